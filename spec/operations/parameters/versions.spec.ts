import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import {
  PartNumber,
  partRef,
  UploadId,
  VersionId,
  type PartRef
} from '../../../lib/operations/parameters/versions.js'
import { validateFields, validateWith } from '../../support/operations.js'

t.test('ids are opaque and not empty', async (t) => {
  for (const id of ['null', 'MTg0NDUxNTc1NjIzMTQ1MDAwODg', '1714552211f00d', 'a+b/c=']) {
    t.same(validateWith(VersionId)(id), E.right(id))
    t.same(validateWith(UploadId)(id), E.right(id))
  }
  for (const wrong of ['', '\ud800', 'a\0', 'a\n', 3, undefined]) {
    t.same(
      validateWith(VersionId)(wrong),
      E.left(': must be a non-empty version id without control characters')
    )
    t.same(
      validateWith(UploadId)(wrong),
      E.left(': must be a non-empty upload id without control characters')
    )
  }
})

t.test('part numbers are 1 to 10,000', async (t) => {
  for (const number of [1, 10_000]) t.same(validateWith(PartNumber)(number), E.right(number))
  for (const wrong of [0, 10_001, -1, 1.5, '1', NaN]) {
    t.same(validateWith(PartNumber)(wrong), E.left(': must be an integer from 1 to 10,000'))
  }
  t.match(validateFields<PartRef>(partRef)({ partNumber: 1 }), { left: /^uploadId: / })
})
