/** A prefix of encrypted objects becomes a directory of plaintext, and the next run downloads what changed. */
import { readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import type { Client } from '../../../lib/client/client.js'
import { send } from '../../../lib/client/send.js'
import { aesKey } from '../../../lib/encryption/aes-key.js'
import { keyring } from '../../../lib/encryption/keyring.js'
import { headObject } from '../../../lib/operations/head-object.js'
import { putObject } from '../../../lib/operations/put-object.js'
import { collect } from '../../../lib/transfers/shared/effect-stream.js'
import { encrypted, type EncryptionClient } from '../../../lib/transfers/encrypted/encrypted.js'
import { bytesOf } from '../../support/bytes.js'
import { bucket, startCos } from '../../support/cos.js'
import { aes, javaVectors, rsa, store } from '../../support/encryption.js'
import { left, right } from '../../support/server.js'

const files: Readonly<Record<string, Buffer>> = {
  empty: Buffer.alloc(0),
  'a/one': bytesOf(1),
  'a/segment': bytesOf(65_536),
  'b/large': bytesOf(300_000)
}

const fill = async (client: Client, vault: EncryptionClient): Promise<void> => {
  for (const [path, body] of Object.entries(files))
    right(await vault.putObject({ bucket, key: `p/${path}`, body })(client)())
}

const assertFiles = async (
  t: { ok: (found: boolean, name: string) => unknown },
  directory: string
): Promise<void> => {
  for (const [path, body] of Object.entries(files))
    t.ok((await readFile(join(directory, path))).equals(body), path)
}

t.test('downloadDirectory writes the plaintext, and a second run skips what is there', async (t) => {
  for (const format of ['sealed', 'python'] as const) {
    const cos = await startCos(t)
    const client = cos.client()
    const vault = encrypted(aes, { format })
    await fill(client, vault)
    right(await send(putObject({ bucket, key: 'p/folder/', body: '' }))(client)())
    right(await vault.putObject({ bucket, key: 'p/sealed/', body: '' })(client)())
    const directory = join(t.testdir({}), 'in')
    const input = { bucket, prefix: 'p/', directory, threshold: 100_000, partSize: 65_536 }
    const run = async (change: object = {}) => {
      const before = cos.operations().length
      const entries = right(await collect(vault.downloadDirectory({ ...input, ...change }))(client)())
      const tags = Object.fromEntries(
        entries.map((each) => [each._tag === 'UnsafeKey' ? each.key : each.path, each._tag])
      )
      return { entries, tags, requests: cos.operations().slice(before).sort() }
    }
    const first = await run()
    t.equal(first.tags['folder/'], 'Folder')
    t.equal(first.tags['sealed/'], 'Folder')
    const large = first.entries.find((each) => each._tag === 'Downloaded' && each.path === 'b/large')
    t.match(large, {
      downloaded: {
        size: 300_000,
        format,
        keyId: O.some(aes.id),
        multipart: true,
        integrity: { _tag: 'Verified' }
      }
    })
    await assertFiles(t, directory)
    t.equal(
      first.requests.filter((name) => name === 'HeadObject').length,
      format === 'sealed' ? 1 : 2,
      'small files take one request'
    )

    const second = await run()
    t.same(
      Object.entries(second.tags).filter(([, tag]) => tag !== 'Skipped' && tag !== 'Folder'),
      [],
      format
    )
    await writeFile(join(directory, 'a/segment'), bytesOf(65_536, 7))
    await writeFile(join(directory, 'a/one'), 'longer')
    const third = await run()
    t.match(third.tags, { 'a/segment': 'Downloaded', 'a/one': 'Downloaded', 'b/large': 'Skipped' })
    await assertFiles(t, directory)

    await utimes(join(directory, 'b/large'), 0, 0)
    t.match((await run({ skip: 'time' })).tags, { 'b/large': 'Downloaded', 'a/one': 'Skipped' })
    t.equal((await stat(join(directory, 'b/large'))).size, 300_000)
    t.match((await run({ skip: 'never' })).tags, { 'a/one': 'Downloaded' })
  }
})

t.test('a rewrapped object whose file is there is skipped, by one request', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  await fill(client, encrypted(aes))
  const now = right(aesKey(randomBytes(32), { id: 'now' }))
  const vault = encrypted(keyring(now, aes))
  const directory = t.testdir({})
  const input = { bucket, prefix: 'p/', directory }
  right(await collect(vault.downloadDirectory(input))(client)())
  for (const path of Object.keys(files))
    right(await vault.rewrap({ bucket, key: `p/${path}`, to: now })(client)())
  const before = cos.operations().length
  const entries = right(await collect(encrypted(now).downloadDirectory(input))(client)())
  t.same(new Set(entries.map((each) => each._tag)), new Set(['Skipped']))
  t.equal(cos.operations().length, before + 1 + Object.keys(files).length)
})

t.test('an object that cannot be decrypted is Failed, and the others are downloaded', async (t) => {
  const client = (await startCos(t)).client()
  const vault = encrypted(rsa, { accepts: ['sealed', 'java-gcm'] })
  await fill(client, vault)
  const java = javaVectors().find(({ id }) => id === 'java-rsa-gcm')!
  await store(client, Buffer.from(java.ciphertext.base64 ?? '', 'base64'), java.metadata, 'p/java')
  await store(client, Buffer.from('plain'), {}, 'p/plain')
  await store(client, Buffer.alloc(0), {}, 'p/none')
  const object = right(await send(headObject({ bucket, key: 'p/a/one' }))(client)())
  const headers = Object.fromEntries(
    Object.entries(object.headers).filter(([name]) => name.startsWith('x-cos-meta-'))
  )
  await store(client, Buffer.alloc(1041), headers, 'p/a/one')
  const directory = t.testdir({})
  const input = { bucket, prefix: 'p/', directory }
  for (const expected of ['Downloaded', 'Skipped']) {
    const entries = right(await collect(vault.downloadDirectory(input))(client)())
    const of = (key: string) => entries.find((each) => each.key === key)
    t.match(of('p/plain'), { _tag: 'Failed', error: { reason: 'NotEncrypted' } })
    t.match(of('p/none'), { _tag: 'Failed', error: { reason: 'NotEncrypted' } })
    t.match(of('p/a/one'), { _tag: 'Failed', error: { reason: 'BadEnvelope' } })
    t.equal(of('p/b/large')?._tag, expected)
    // Its ciphertext cannot be made again.
    t.match(of('p/java'), { _tag: 'Downloaded', downloaded: { format: 'java-gcm', isAuthenticated: true } })
  }
  const stopped = await collect(vault.downloadDirectory({ ...input, onError: 'stop' }))(client)()
  t.match(left(stopped), { _tag: 'EncryptionError' })
  t.match(
    left(await collect(vault.downloadDirectory({ ...input, acceptEncoding: 'gzip' } as never))(client)()),
    {
      field: 'acceptEncoding'
    }
  )
})
