import * as TE from 'fp-ts/lib/TaskEither.js'
import t from 'tap'
import { kmsKey } from '../../lib/encryption/kms-key.js'
import { left, right } from '../support/server.js'

const wrap = () => TE.right(Buffer.of(1))

t.test('a key service is an id and two functions', async (t) => {
  t.match(right(kmsKey({ id: 'cmk', wrap, unwrap: wrap })), { kind: 'kms', id: 'cmk' })
  t.match(left(kmsKey({ id: '', wrap, unwrap: wrap })), { _tag: 'InvalidInput', field: 'id' })
  t.match(left(kmsKey({ id: 'cmk', wrap } as never)), { _tag: 'InvalidInput', field: 'unwrap' })
  t.match(left(kmsKey(undefined as never)), { _tag: 'InvalidInput', field: '' })
})
