import { createHash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import t from 'tap'
import type { Client } from '../../../lib/client/client.js'
import { send } from '../../../lib/client/send.js'
import { MiB } from '../../../lib/core/limits.js'
import { completeMultipartUpload } from '../../../lib/operations/complete-multipart-upload.js'
import { getObject } from '../../../lib/operations/get-object.js'
import { headObject } from '../../../lib/operations/head-object.js'
import { listParts } from '../../../lib/operations/list-parts.js'
import { encrypted } from '../../../lib/transfers/encrypted/encrypted.js'
import type { EncryptedUpload } from '../../../lib/transfers/encrypted/create-encrypted-upload.js'
import type { UploadEncryptedPartInput } from '../../../lib/transfers/encrypted/upload-encrypted-part.js'
import { bytesOf, splitBytes } from '../../support/bytes.js'
import { startCos } from '../../support/cos.js'
import {
  aes,
  at,
  masterKeys,
  plaintextOf,
  pythonVectors,
  readBytes,
  scriptedRandom
} from '../../support/encryption.js'
import { left, right } from '../../support/server.js'

const vault = encrypted(aes, { format: 'python' })

const complete = async (client: Client, { uploadId }: EncryptedUpload): Promise<void> => {
  const { parts } = right(await send(listParts({ ...at, uploadId }))(client)())
  right(
    await send(
      completeMultipartUpload({
        ...at,
        uploadId,
        parts: parts.map(({ partNumber, etag }) => ({ partNumber, etag }))
      })
    )(client)()
  )
}

t.test('uploads in parts of the Python SDK are written byte for byte, in any order', async (t) => {
  const client = (await startCos(t)).client()
  const multipart = pythonVectors().filter(({ kind }) => kind === 'multipart')
  t.equal(multipart.length, 3)
  for (const vector of multipart) {
    const { id, parts = [], dataKeyHex, dataIvHex, masterKey } = vector
    const python = encrypted(masterKeys[masterKey]!, { format: 'python' })
    const plain = plaintextOf(vector)
    // The seeds of the RSA object were not recorded: its data key is wrapped by other numbers.
    const isAes = masterKey.startsWith('aes')
    const random = scriptedRandom(
      ...[dataKeyHex, dataIvHex].map((hex) => Buffer.from(hex, 'hex')),
      ...(isAes ? [] : [randomBytes(20), randomBytes(20)])
    )
    const upload = right(await python.createMultipartUpload(at)({ ...client, random })())
    for (const { partNumber, offset, length, md5 } of [...parts].reverse()) {
      const body = plain.subarray(offset, offset + length)
      const sent = right(
        await python.uploadPart({ upload, partNumber, offset, body, last: partNumber === parts.length })(
          client
        )()
      )
      t.equal(sent.etag, `"${md5}"`, `${id}: the ETag is the MD5 of the recorded part`)
    }
    await complete(client, upload)
    const bytes = right(await readBytes(send(getObject(at)))(client)())
    t.equal(createHash('sha256').update(bytes).digest('hex'), vector.ciphertext.sha256, id)
    const { headers } = right(await send(headObject(at))(client)())
    const metadata = Object.entries(headers).filter(([name]) => name.startsWith('x-cos-meta-'))
    if (isAes) t.same(Object.fromEntries(metadata), vector.metadata, id)
    else t.same(metadata.map(([name]) => name).sort(), Object.keys(vector.metadata).sort(), id)
    t.ok(right(await readBytes(python.getObject(at))(client)()).equals(plain))
  }
})

t.test('parts of every kind of body, in parallel and again, are one object', async (t) => {
  const client = (await startCos(t)).client()
  const bytes = bytesOf(4 * MiB + 5)
  const file = join(t.testdir(), 'a')
  const slice = (n: number): Buffer => bytes.subarray(n * MiB, (n + 1) * MiB)
  await writeFile(file, slice(2))
  const upload = right(await vault.createMultipartUpload({ ...at, metadata: { owner: 'a' } })(client)())
  const parts: ReadonlyArray<() => Omit<UploadEncryptedPartInput, 'upload'>> = [
    () => ({ partNumber: 5, offset: 4 * MiB, body: bytes.subarray(4 * MiB), last: true }),
    () => ({ partNumber: 2, offset: MiB, body: { open: () => splitBytes(slice(1), 1000), size: MiB } }),
    () => ({ partNumber: 1, offset: 0, body: slice(0) }),
    () => ({ partNumber: 4, offset: 3 * MiB, body: splitBytes(slice(3), 7777), contentLength: MiB }),
    () => ({ partNumber: 3, offset: 2 * MiB, body: { file } })
  ]
  for (let round = 0; round < 2; round += 1)
    for (const sent of await Promise.all(
      parts.map((part) => vault.uploadPart({ upload, ...part() })(client)())
    ))
      right(sent)
  await complete(client, upload)
  const got = right(await vault.getObject(at)(client)())
  t.same(got.metadata, { owner: 'a' })
  got.body.destroy()
  t.ok(right(await readBytes(vault.getObject(at))(client)()).equals(bytes))
})

t.test('a part that is sent again with other bytes is refused, and its bytes are not sent', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  const upload = right(await vault.createMultipartUpload(at)(client)())
  const body = bytesOf(MiB)
  const part = { upload, partNumber: 1, offset: 0 }
  const { etag } = right(await vault.uploadPart({ ...part, body })(client)())
  t.match(left(await vault.uploadPart({ ...part, body: bytesOf(MiB, 2) })(client)()), {
    _tag: 'SourceError',
    cause: { message: /key stream/ }
  })
  // In its last byte only: the blocks before it are the same ciphertext.
  const almost = Buffer.from(body)
  almost[MiB - 1] = almost[MiB - 1]! ^ 1
  t.equal(left(await vault.uploadPart({ ...part, body: almost })(client)())._tag, 'SourceError')
  const before = cos.operations().length
  const whole: { readonly body: Buffer } = { body }
  for (const [change, field] of [
    [{ body: bytesOf(2 * MiB) }, 'offset'],
    [{ body: bytesOf(MiB - 16) }, 'offset'],
    [{ partNumber: 2, offset: 0 }, 'offset'],
    [{ partNumber: 2, offset: MiB - 16 }, 'offset'],
    [{ partNumber: 2, offset: MiB + 16 }, 'offset'],
    [{ partNumber: 1, offset: MiB }, 'offset']
  ] as const)
    t.match(left(await vault.uploadPart({ ...part, ...whole, ...change })(client)()), {
      _tag: 'InvalidInput',
      field
    })
  t.equal(cos.operations().length, before)
  t.equal(right(await vault.uploadPart({ ...part, body })(client)()).etag, etag)
})

t.test('two parallel calls of one part with different bytes do not both succeed', async (t) => {
  const client = (await startCos(t)).client()
  const upload = right(await vault.createMultipartUpload(at)(client)())
  const sent = await Promise.all(
    [1, 2].map((seed) =>
      vault.uploadPart({ upload, partNumber: 1, offset: 0, body: bytesOf(MiB, seed) })(client)()
    )
  )
  t.same(sent.map(({ _tag }) => _tag).sort(), ['Left', 'Right'])
})

t.test('invalid parts are refused before anything is sent', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  const upload = right(await vault.createMultipartUpload(at)(client)())
  const before = cos.operations().length
  const part = { upload, partNumber: 1, offset: 0, body: Buffer.alloc(32) }
  for (const [change, field] of [
    [{ upload: { ...upload } }, 'upload'],
    [{ upload: undefined }, 'upload'],
    [{ offset: 8 }, 'offset'],
    [{ offset: -16 }, 'offset'],
    [{ offset: undefined }, 'offset'],
    [{ offset: 16 }, 'offset'],
    [{ last: 'yes' }, 'last'],
    [{ body: Buffer.alloc(33) }, 'body'],
    [{ body: splitBytes(Buffer.alloc(32), 1) }, 'contentLength'],
    [{ partNumber: 0 }, 'partNumber'],
    [{ contentMd5: 'AAAAAAAAAAAAAAAAAAAAAA==' }, 'contentMd5'],
    [{ partnumber: 1 }, 'partnumber'],
    [{ headers: { 'content-md5': 'x' } }, 'headers.content-md5']
  ] as const)
    t.match(
      left(await vault.uploadPart({ ...part, ...change } as never)(client)()),
      { _tag: 'InvalidInput', field },
      field
    )
  t.equal(cos.operations().length, before)
  right(await vault.uploadPart({ ...part, body: Buffer.alloc(33), last: true })(client)())
  t.match(left(await vault.uploadPart({ ...part, partNumber: 2, offset: 48 })(client)()), { field: 'offset' })
})

t.test('invalid inputs of createMultipartUpload are refused before anything is sent', async (t) => {
  const cos = await startCos(t)
  for (const [change, field] of [
    [{ metadata: { 'cospipe-sealed': 'x' } }, 'metadata.cospipe-sealed'],
    [{ key: '' }, 'key'],
    [{ storageclass: 'x' }, 'storageclass']
  ] as const)
    t.match(left(await vault.createMultipartUpload({ ...at, ...change })(cos.client())()), {
      _tag: 'InvalidInput',
      field
    })
  t.same(cos.operations(), [])
})

t.test('an upload does not show its data key', async (t) => {
  const client = (await startCos(t)).client()
  const key = Buffer.from('TopSecretDataKeyTopSecretDataKey')
  const random = scriptedRandom(key, Buffer.from('TopSecretDataIv!'))
  const upload = right(await vault.createMultipartUpload(at)({ ...client, random })())
  const shown = inspect(upload, { showHidden: true, depth: 9 }) + JSON.stringify(upload)
  for (const form of ['TopSecret', key.toString('hex'), key.toString('base64')]) t.notMatch(shown, form)
  t.throws(() => Object.assign(upload, { uploadId: 'x' }))
})
