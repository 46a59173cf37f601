/** Objects are exchanged with the encryption client of the Python SDK, where it is installed. */
import { execFile, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { send } from '../../lib/client/send.js'
import { generateAesKey, generateRsaKeyPair } from '../../lib/encryption/generate-keys.js'
import { completeMultipartUpload } from '../../lib/operations/complete-multipart-upload.js'
import { encrypted } from '../../lib/transfers/encrypted/encrypted.js'
import { bucket, startCos } from '../support/cos.js'
import { right } from '../support/server.js'
import { top } from '../support/top.js'

const MiB = 1024 * 1024
const hasSdk = spawnSync('python3', ['-c', 'import qcloud_cos.crypto']).status === 0

t.test('the Python SDK opens our objects, and we open its objects, in each way of the guide', async (t) => {
  if (!hasSdk) {
    t.comment('the Python SDK is not installed: its recorded objects, in other specs, have to do')
    return
  }
  const cos = await startCos(t)
  const client = cos.client()
  const directory = t.testdir({})
  const path = (name: string): string => join(directory, name)
  const plain = randomBytes(2 * MiB + 77)
  await writeFile(path('plain'), plain)
  const aes = right(await generateAesKey(path('aes'))())
  const pair = { publicKey: path('public.pem'), privateKey: path('private.pem') }
  const rsa = right(await generateRsaKeyPair(pair, { modulusLength: 2048 })())
  const { credentials, address } = cos.emulator
  const python = async (command: string, ...keys: ReadonlyArray<string>): Promise<string> => {
    const script = join(top, 'spec/interop/python_encryption.py')
    const port = address.replace(/.*:/, '')
    const parameters = [command, port, credentials.secretId, credentials.secretKey, directory, ...keys]
    return (await promisify(execFile)('python3', [script, ...parameters])).stdout
  }
  await python('write')
  const ours: Array<string> = []
  for (const key of [aes, rsa]) {
    const vault = encrypted(key, { format: 'python' })
    for (const way of ['put', 'parts', 'file']) {
      const down = { bucket, key: `${key.kind}-${way}`, file: path('out'), threshold: 0, partSize: MiB }
      right(await vault.downloadFile(down)(client)())
      t.ok((await readFile(path('out'))).equals(plain), `${key.kind}, ${way}: we open the object of Python`)
    }
    const to = (way: string) => {
      ours.push(`${key.kind}-our-${way}`)
      return { bucket, key: `${key.kind}-our-${way}` }
    }
    right(await vault.putObject({ ...to('put'), body: plain })(client)())
    const sizes = { threshold: MiB, partSize: MiB, checkpoint: path('state') }
    right(await vault.uploadFile({ ...to('file'), ...sizes, file: path('plain') })(client)())
    const stream = createReadStream(path('plain'))
    right(await vault.uploadStream({ ...to('stream'), partSize: MiB })(stream)(client)())
    const at = to('parts')
    const upload = right(await vault.createMultipartUpload(at)(client)())
    const etags: Array<string> = []
    for (const n of [2, 0, 1]) {
      const body = plain.subarray(n * MiB, (n + 1) * MiB)
      const part = { upload, partNumber: n + 1, offset: n * MiB, last: n === 2, body }
      etags[n] = right(await vault.uploadPart(part)(client)()).etag
    }
    const parts = etags.map((etag, n) => ({ partNumber: n + 1, etag }))
    right(await send(completeMultipartUpload({ ...at, uploadId: upload.uploadId, parts }))(client)())
  }
  const read: unknown = JSON.parse(await python('read', ...ours))
  t.same(
    read,
    Object.fromEntries(ours.map((key) => [key, true])),
    'Python opens our objects and ranges of them'
  )
  right(await encrypted(aes).putObject({ bucket, key: 'aes-sealed', body: plain })(client)())
  await t.rejects(python('read', 'aes-sealed'), /TypeError/, 'Python stops at a sealed object')
})
