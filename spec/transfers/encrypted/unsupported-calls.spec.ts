import t from 'tap'
import { encrypted } from '../../../lib/transfers/encrypted/encrypted.js'
import { startCos } from '../../support/cos.js'
import { aes, at, encryptionErrorOf } from '../../support/encryption.js'
import { left } from '../../support/server.js'

t.test('calls that COS cannot serve on ciphertext fail with the reason, and send nothing', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  const vault = encrypted(aes)
  for (const [call, operation, problem] of [
    [vault.selectObjectContent, 'SelectObjectContent', /query the ciphertext/],
    [vault.uploadPartCopy, 'UploadPartCopy', /another data key/],
    [vault.appendObject, 'AppendObject', /write a new object/]
  ] as const) {
    const error = encryptionErrorOf(await call(at)(client)())
    t.match(error, { reason: 'Unsupported', problem, context: { operation, bucket: at.bucket } })
    t.match(left(await call(null as never)(client)()), { reason: 'Unsupported' })
  }
  t.same(cos.operations(), [])
})
