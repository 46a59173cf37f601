import t from 'tap'
import { createMultipartUpload } from '../../../lib/operations/create-multipart-upload.js'
import { uploadPart } from '../../../lib/operations/upload-part.js'
import { send } from '../../../lib/client/send.js'
import { collect } from '../../../lib/transfers/shared/effect-stream.js'
import { streamParts } from '../../../lib/transfers/list/stream-parts.js'
import { bucket, startCos } from '../../support/cos.js'
import { left, right } from '../../support/server.js'

t.test('streamParts yields parts by number over all pages, and a cursor resumes it', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  const at = { bucket, key: 'a' }
  const { uploadId } = right(await send(createMultipartUpload(at))(client)())
  for (const partNumber of [1, 2, 5, 10, 11]) {
    right(await send(uploadPart({ ...at, uploadId, partNumber, body: 'x'.repeat(partNumber) }))(client)())
  }
  for (const maxParts of [1, 2, 1000]) {
    const found = right(await collect(streamParts({ ...at, uploadId, maxParts }))(client)())
    t.same(
      found.map(({ partNumber, size }) => [partNumber, size]),
      [1, 2, 5, 10, 11].map((number) => [number, number])
    )
    const rest = right(
      await collect(streamParts({ ...at, uploadId, maxParts, cursor: found[2]!.cursor }))(client)()
    )
    t.same(
      rest.map(({ partNumber }) => partNumber),
      [10, 11]
    )
  }
  t.match(left(await collect(streamParts({ ...at, uploadId: 'none' }))(client)()), {
    _tag: 'ServiceError',
    code: 'NoSuchUpload'
  })
})
