/** A new master key for old objects: the ciphertext, metadata, tags and class stay, and the old key is not needed. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import t from 'tap'
import type { Client } from '../../../lib/client/client.js'
import { send } from '../../../lib/client/send.js'
import { aesKey } from '../../../lib/encryption/aes-key.js'
import { keyring } from '../../../lib/encryption/keyring.js'
import { kmsKey } from '../../../lib/encryption/kms-key.js'
import { rsaKey } from '../../../lib/encryption/rsa-key.js'
import { copyObject } from '../../../lib/operations/copy-object.js'
import { getObject } from '../../../lib/operations/get-object.js'
import { headObject } from '../../../lib/operations/head-object.js'
import { encrypted } from '../../../lib/transfers/encrypted/encrypted.js'
import { bytesOf } from '../../support/bytes.js'
import { startCos } from '../../support/cos.js'
import {
  aes,
  at,
  encryptionErrorOf,
  javaVectors,
  masterKeys,
  pythonVectors,
  readBytes,
  rsa,
  store,
  vectorKeyText
} from '../../support/encryption.js'
import { left, right } from '../../support/server.js'

const old = right(aesKey(randomBytes(32), { id: '2025' }))
const now = right(aesKey(randomBytes(32), { id: '2026' }))
const service = right(
  kmsKey({ id: 'cmk', wrap: (bytes) => TE.right(bytes), unwrap: (bytes) => TE.right(bytes) })
)
const vault = encrypted(old)
const bytes = bytesOf(200_000)

const readStored = async (client: Client): Promise<Buffer> =>
  right(await readBytes(send(getObject(at)))(client)())

t.test(
  'an object of each format opens under the new key alone, and its ciphertext is the same',
  async (t) => {
    const client = (await startCos(t)).client()
    for (const format of ['sealed', 'python'] as const)
      for (const [from, to] of [
        [old, now],
        [old, rsa],
        [rsa, now],
        [rsa, right(rsaKey({ privateKey: vectorKeyText('rsa2048-a.private.pkcs8.pem'), id: 'named' }))],
        [old, service],
        [service, now]
      ] as const) {
        const isKms = from === service || to === service
        if (format === 'python' && isKms) continue
        const name = `${format} ${from.id} to ${to.id}`
        right(await encrypted(from, { format }).putObject({ ...at, body: bytes })(client)())
        const before = await readStored(client)
        const done = right(await encrypted(from, { format }).rewrap({ ...at, to })(client)())
        t.match(done, { format, keyId: to.id, size: before.length, copied: { _tag: 'Some' } }, name)
        t.ok((await readStored(client)).equals(before), name)
        const reader = encrypted(to, { format })
        t.ok(right(await readBytes(reader.getObject(at))(client)()).equals(bytes), name)
        const range = { first: 65_530, last: 70_000 }
        t.ok(
          right(await readBytes(reader.getObject({ ...at, range }))(client)()).equals(
            bytes.subarray(65_530, 70_001)
          )
        )
      }
  }
)

t.test(
  'rewrap keeps metadata, headers, tags, class and encryption by COS, and sends a HEAD and a copy',
  async (t) => {
    const cos = await startCos(t)
    const client = cos.client()
    right(
      await vault.putObject({
        ...at,
        body: bytes,
        metadata: { author: 'Ä 100%', 'x-cos-meta-b': 'b' },
        contentType: 'text/plain',
        cacheControl: 'no-cache',
        contentLanguage: 'de',
        expires: 'never',
        tagging: { team: 'a&b' },
        storageClass: 'STANDARD_IA',
        sse: { type: 'COS' }
      })(client)()
    )
    const before = right(await send(headObject(at))(client)())
    for (const threshold of [undefined, 0]) {
      const count = cos.operations().length
      const to = right(aesKey(randomBytes(32)))
      const by = encrypted(keyring(now, old))
      const done = right(
        await by.rewrap({
          ...at,
          to: threshold === undefined ? now : to,
          ...(threshold === undefined ? {} : { threshold, partSize: 1 << 20 })
        })(client)()
      )
      if (threshold === undefined) t.same(cos.operations().slice(count), ['HeadObject', 'CopyObject'])
      t.match(done.copied, {
        value: { multipart: threshold === 0, integrity: { _tag: 'Verified' }, notCopied: [] }
      })
      const after = right(await send(headObject(at))(client)())
      for (const field of [
        'contentType',
        'cacheControl',
        'contentLanguage',
        'expires',
        'storageClass',
        'taggingCount',
        'sse',
        'crc64',
        'size'
      ] as const)
        t.same(after[field], before[field], field)
      t.same(after.metadata['author'], 'Ä 100%')
      const { 'cospipe-sealed': _new, ...rest } = after.metadata
      const { 'cospipe-sealed': _old, ...expected } = before.metadata
      t.same(rest, expected)
    }
  }
)

t.test('a second run changes nothing, also after a run under a public key alone', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  for (const format of ['sealed', 'python'] as const)
    for (const to of [now, rsa]) {
      const by = encrypted(keyring(old, rsa), { format })
      right(await by.putObject({ ...at, body: 'x' })(client)())
      right(await by.rewrap({ ...at, to })(client)())
      const count = cos.operations().length
      const again = right(await by.rewrap({ ...at, to })(client)())
      t.same(again.copied, O.none)
      t.same(cos.operations().slice(count), ['HeadObject'])
      t.equal(right(await readBytes(encrypted(to, { format }).getObject(at))(client)()).toString(), 'x')
    }
  const publicOnly = right(rsaKey({ publicKey: vectorKeyText('rsa2048-a.public.spki.pem') }))
  right(await vault.putObject({ ...at, body: 'x' })(client)())
  for (const isAgain of [false, true]) {
    const by = encrypted(keyring(old, rsa))
    t.ok(O.isSome(right(await by.rewrap({ ...at, to: publicOnly })(client)()).copied), String(isAgain))
  }
  t.equal(right(await readBytes(encrypted(rsa).getObject(at))(client)()).toString(), 'x')
})

t.test('a rewrapped object is downloaded and resumed, and keeps its name', async (t) => {
  const client = (await startCos(t)).client()
  right(await vault.putObject({ ...at, body: bytes })(client)())
  right(await vault.rewrap({ ...at, to: now })(client)())
  const file = join(t.testdir({}), 'a.bin')
  right(await encrypted(now).downloadFile({ ...at, file, threshold: 0, partSize: 65_536 })(client)())
  t.ok((await readFile(file)).equals(bytes))
  const copy = { ...at, key: 'copy.bin' }
  right(await send(copyObject({ ...copy, copySource: { ...at, region: 'ap-guangzhou' } }))(client)())
  t.match(encryptionErrorOf(await encrypted(now).rewrap({ ...copy, to: old })(client)()), {
    reason: 'OtherName'
  })
  right(await encrypted(now, { bindsName: false }).rewrap({ ...copy, to: old })(client)())
  // A copy that replaced all metadata has the wrapping of its header, which is the old one.
  const replaced = { ...at, copySource: { ...at, region: 'ap-guangzhou' }, copyStatus: 'Replaced' } as const
  right(await send(copyObject(replaced))(client)())
  right(await vault.rewrap({ ...at, to: now })(client)())
  t.ok(right(await readBytes(encrypted(now).getObject(at))(client)()).equals(bytes))
})

t.test('an object that is replaced meanwhile is ObjectChanged, and is not overwritten', async (t) => {
  const client = (await startCos(t)).client()
  right(await vault.putObject({ ...at, body: 'x' })(client)())
  const slow = right(
    kmsKey({
      id: 'slow',
      wrap: (key) => async () => {
        right(await vault.putObject({ ...at, body: 'other' })(client)())
        return TE.right(key)()
      },
      unwrap: (key) => TE.right(key)
    })
  )
  t.match(left(await vault.rewrap({ ...at, to: slow })(client)()), { _tag: 'ObjectChanged' })
  t.equal(right(await readBytes(vault.getObject(at))(client)()).toString(), 'other')
})

t.test('what cannot be rewrapped fails before anything is copied', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  const java = javaVectors().find(({ id }) => id === 'java-rsa-gcm')!
  const all = { format: 'python', accepts: ['python', 'java-gcm', 'plain'] } as const
  await store(client, Buffer.from(java.ciphertext.base64 ?? '', 'base64'), java.metadata)
  t.match(encryptionErrorOf(await encrypted(rsa, all).rewrap({ ...at, to: now })(client)()), {
    reason: 'Unsupported',
    problem: /java-gcm/
  })
  t.match(encryptionErrorOf(await vault.rewrap({ ...at, to: now })(client)()), { reason: 'NotAccepted' })
  await store(client, Buffer.from('plain'), {})
  t.match(encryptionErrorOf(await encrypted(rsa, all).rewrap({ ...at, to: now })(client)()), {
    reason: 'NotEncrypted'
  })
  const python = pythonVectors().find(({ id }) => id === 'aes-17b')!
  await store(client, Buffer.from(python.ciphertext.base64 ?? '', 'base64'), python.metadata)
  const by = encrypted(masterKeys[python.masterKey]!, all)
  for (const to of [service, aes])
    t.match(encryptionErrorOf(await by.rewrap({ ...at, to })(client)()), { reason: 'Unsupported' })
  right(await vault.putObject({ ...at, body: 'x' })(client)())
  t.match(encryptionErrorOf(await encrypted(now).rewrap({ ...at, to: aes })(client)()), { reason: 'NoKey' })
  t.equal(cos.count('CopyObject'), 0)
  const before = cos.operations().length
  for (const [change, field] of [
    [{ to: 'key' }, 'to'],
    [{ colour: 1 }, 'colour'],
    [{ headers: { 'x-cos-meta-cospipe-sealed': 'x' } }, 'headers.x-cos-meta-cospipe-sealed'],
    [{ key: '' }, 'key']
  ] as const)
    t.match(left(await vault.rewrap({ ...at, ...{ to: now }, ...change } as never)(client)()), {
      _tag: 'InvalidInput',
      field
    })
  const domain = { ...client, endpoint: { domain: 'files.example.com', address: cos.emulator.address } }
  t.match(left(await vault.rewrap({ ...at, to: now })(domain)()), { field: 'region' })
  t.equal(cos.operations().length, before)
})

t.test('objects of the Python SDK get a named key, and a second run is then noticed', async (t) => {
  const client = (await startCos(t)).client()
  const python = pythonVectors().find(({ id }) => id === 'aes-17b')!
  await store(client, Buffer.from(python.ciphertext.base64 ?? '', 'base64'), python.metadata)
  const by = encrypted(masterKeys[python.masterKey]!, { format: 'python' })
  const expected = right(await readBytes(by.getObject(at))(client)())
  t.ok(O.isSome(right(await by.rewrap({ ...at, to: now })(client)()).copied))
  t.ok(O.isNone(right(await by.rewrap({ ...at, to: now })(client)()).copied))
  const reader = encrypted(now, { format: 'python' })
  t.ok(right(await readBytes(reader.getObject(at))(client)()).equals(expected))
})
