import { createHash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import t from 'tap'
import type { Client } from '../../../lib/client/client.js'
import { send } from '../../../lib/client/send.js'
import type { BodyInput } from '../../../lib/core/body.js'
import { aesKey } from '../../../lib/encryption/aes-key.js'
import { keyring } from '../../../lib/encryption/keyring.js'
import { kmsKey } from '../../../lib/encryption/kms-key.js'
import { getObject } from '../../../lib/operations/get-object.js'
import { headObject } from '../../../lib/operations/head-object.js'
import { encrypted } from '../../../lib/transfers/encrypted/encrypted.js'
import { bytesOf, splitBytes } from '../../support/bytes.js'
import { startCos } from '../../support/cos.js'
import {
  aes,
  at,
  encryptionErrorOf,
  masterKeys,
  plaintextOf,
  pythonVectors,
  readBytes,
  rsa,
  scriptedRandom,
  type EncryptedVector
} from '../../support/encryption.js'
import { sampleOf } from '../../support/long-form.js'
import { left, right, startServer } from '../../support/server.js'

const python = (key = aes) => encrypted(key, { format: 'python' })
const readStored = async (client: Client): Promise<Buffer> =>
  right(await readBytes(send(getObject(at)))(client)())
const metadataOf = async (client: Client): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries(
    Object.entries(right(await send(headObject(at))(client)()).headers).filter(([name]) =>
      name.startsWith('x-cos-meta-')
    )
  )

/** A client that draws the key, the IV and the seeds of a recorded object. */
const clientOfVector = (
  client: Client,
  { dataKeyHex, dataIvHex, wrapRandomness = [] }: EncryptedVector
): Client => ({
  ...client,
  random: scriptedRandom(...[dataKeyHex, dataIvHex, ...wrapRandomness].map((hex) => Buffer.from(hex, 'hex')))
})

t.test(
  'every object of the Python SDK is written byte for byte, with its metadata and no other',
  async (t) => {
    const client = (await startCos(t)).client()
    let written = 0
    for (const vector of pythonVectors()) {
      // The seeds of one object of RSA were not recorded; PKCS#1 v1.5 is never written.
      if (vector.masterKey.startsWith('rsa') && vector.wrapRandomness === undefined) continue
      const vault = python(masterKeys[vector.masterKey])
      const body = plaintextOf(vector)
      right(await vault.putObject({ ...at, body })(clientOfVector(client, vector))())
      const bytes = await readStored(client)
      t.equal(createHash('sha256').update(bytes).digest('hex'), vector.ciphertext.sha256, vector.id)
      t.same(await metadataOf(client), vector.metadata, vector.id)
      written += 1
    }
    t.equal(written, 19)
  }
)

t.test('every kind of body is encrypted and comes back', async (t) => {
  const client = (await startCos(t)).client()
  const dir = t.testdir()
  const file = join(dir, 'a')
  for (const size of sampleOf([0, 1, 15, 16, 17, 65_535, 65_536, 262_143, 262_145, 262_144, 1_000_003], 3)) {
    const bytes = bytesOf(size)
    await writeFile(file, bytes)
    const bodies: ReadonlyArray<readonly [string, () => BodyInput, number?]> = [
      ['bytes', () => bytes],
      ['chunks', () => ({ chunks: [bytes.subarray(0, 7), bytes.subarray(7)] })],
      ['file', () => ({ file })],
      ['replayable', () => ({ open: () => splitBytes(bytes, 1000), size })],
      ['stream', () => Readable.from(splitBytes(bytes, 7777), { objectMode: false })],
      ['stream of known length', () => splitBytes(bytes, 50_000), size]
    ]
    for (const [name, body, contentLength] of bodies) {
      const result = right(
        await python().putObject({
          ...at,
          body: body(),
          ...(contentLength === undefined ? {} : { contentLength })
        })(client)()
      )
      t.match(result, { format: 'python', keyId: aes.id, integrity: { _tag: 'Verified' } })
      const ciphertext = await readStored(client)
      t.equal(ciphertext.length, size)
      if (size > 16) t.notOk(ciphertext.equals(bytes))
      t.ok(
        right(await readBytes(python().getObject(at))(client)()).equals(bytes),
        `${name} of ${String(size)}`
      )
    }
  }
  const text = 'Grüße 🗝'
  right(await python().putObject({ ...at, body: text })(client)())
  t.equal(right(await readBytes(python().getObject(at))(client)()).toString(), text)
})

t.test('a second run of one effect has another data key', async (t) => {
  const client = (await startCos(t)).client()
  for (const key of [aes, rsa]) {
    const put = python(key).putObject({ ...at, body: Buffer.alloc(64) })
    const seen = new Set<string>()
    for (let run = 0; run < 3; run += 1) {
      right(await put(client)())
      seen.add((await readStored(client)).toString('hex'))
      const metadata = await metadataOf(client)
      seen.add(metadata['x-cos-meta-client-side-encryption-key'] ?? '')
      seen.add(metadata['x-cos-meta-client-side-encryption-iv'] ?? '')
    }
    t.equal(seen.size, 9)
  }
})

t.test('user metadata and headers are kept beside those of the encryption', async (t) => {
  const client = (await startCos(t)).client()
  right(
    await python().putObject({
      ...at,
      body: 'x',
      contentType: 'text/plain',
      metadata: { owner: 'Ämma' },
      headers: { 'x-cos-meta-other': 'y' }
    })(client)()
  )
  const got = right(await python().getObject(at)(client)())
  got.body.destroy()
  t.same(got.metadata, { owner: 'Ämma', other: 'y' })
  t.same(got.contentType, O.some('text/plain'))
})

t.test('a key with an id of the caller is named by the object, and chosen by that name', async (t) => {
  const client = (await startCos(t)).client()
  const [old, now] = ['2025', '2026'].map((id) => right(aesKey(randomBytes(32), { id })))
  right(await python(old).putObject({ ...at, body: 'of last year' })(client)())
  t.match(await metadataOf(client), { 'x-cos-meta-client-side-encryption-matdesc': '{"keyId":"2025"}' })
  const ring = encrypted(keyring(now!, old!), { format: 'python' })
  const got = right(await ring.getObject(at)(client)())
  got.body.destroy()
  t.same(got.keyId, O.some('2025'))
  t.equal(right(await readBytes(ring.getObject(at))(client)()).toString(), 'of last year')
  t.match(encryptionErrorOf(await python(now).getObject(at)(client)()), {
    reason: 'NoKey',
    keyId: O.some('2025')
  })
  right(await ring.putObject({ ...at, body: 'x' })(client)())
  t.match(await metadataOf(client), { 'x-cos-meta-client-side-encryption-matdesc': '{"keyId":"2026"}' })
})

for (const format of ['python', 'sealed'] as const) {
  t.test(`a retry sends the same ciphertext: ${format}`, async (t) => {
    const bodies: Array<Buffer> = []
    const server = await startServer(t, ({ body }, response, count) => {
      bodies.push(body)
      response.writeHead(count < 3 ? 503 : 200, { etag: '"e"' }).end()
    })
    const bytes = bytesOf(600_000)
    const body = { open: () => splitBytes(bytes, 60_000 + bodies.length), size: bytes.length }
    right(await encrypted(aes, { format }).putObject({ ...at, body })(server.client())())
    t.equal(bodies.length, 3)
    t.ok(bodies[0]?.equals(bodies[1]!) && bodies[0].equals(bodies[2]!))
    t.notOk(bodies[0]?.equals(bytes))
  })

  t.test(
    `a body that differs in a retry is a SourceError, and no byte of it is sent: ${format}`,
    async (t) => {
      const dir = t.testdir()
      const file = join(dir, 'a')
      const block = 256 * 1024
      const size = 3 * block
      for (const name of ['replayable', 'file', 'shared bytes']) {
        const first = bytesOf(size)
        await writeFile(file, first)
        let read = 0
        const received: Array<Buffer> = []
        const server = await startServer(
          t,
          (_, response, __, request) => {
            const chunks: Array<Buffer> = []
            request.on('data', (chunk: Buffer) => chunks.push(chunk))
            request.on('close', () => received.push(Buffer.concat(chunks)))
            request.on('end', () => {
              // The body changes in its second block, after the first attempt.
              first.fill(0, block, 2 * block)
              void writeFile(file, first).then(() => response.writeHead(503).end())
            })
          },
          { early: true }
        )
        const body: BodyInput =
          name === 'file'
            ? { file }
            : name === 'shared bytes'
              ? first
              : {
                  open: () => {
                    read += 1
                    return splitBytes(first, 100_000)
                  },
                  size
                }
        const failed = left(await encrypted(aes, { format }).putObject({ ...at, body })(server.client())())
        t.equal(failed._tag, 'SourceError', name)
        if (name === 'replayable') t.equal(read, 2)
        await server.client().close()
        const [one, ...others] = received
        t.ok((one?.length ?? 0) >= size)
        for (const other of others) {
          t.ok(other.length <= block, `${name}: ${String(other.length)} bytes of the second attempt`)
          t.ok(one?.subarray(0, other.length).equals(other), 'which are those of the first')
        }
      }
    }
  )
}

t.test('a small body in memory is encrypted once: a retry sends its first bytes', async (t) => {
  for (const format of ['sealed', 'python'] as const) {
    const received: Array<Buffer> = []
    const first = bytesOf(1000)
    const server = await startServer(t, ({ body }, response, count) => {
      received.push(body)
      first.fill(0)
      response.writeHead(count === 1 ? 503 : 200, { etag: '"e"' }).end()
    })
    const vault = encrypted(aes, { format })
    right(await vault.putObject({ ...at, body: first })(server.client())())
    t.equal(received.length, 2, format)
    t.ok(received[0]?.equals(received[1]!), format)
  }
})

t.test('parameters that an encrypted object cannot have are refused before anything is sent', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  const md5 = 'AAAAAAAAAAAAAAAAAAAAAA=='
  for (const [input, field] of [
    [{ contentMd5: md5 }, 'contentMd5'],
    [{ picOperations: '{}' }, 'picOperations'],
    [{ headers: { 'Content-MD5': md5 } }, 'headers.Content-MD5'],
    [{ headers: { 'Pic-Operations': '{}' } }, 'headers.Pic-Operations'],
    [{ metadata: { 'client-side-encryption-key': 'x' } }, 'metadata.client-side-encryption-key'],
    [{ metadata: { 'X-Cos-Meta-Cospipe-Sealed': 'x' } }, 'metadata.X-Cos-Meta-Cospipe-Sealed'],
    [{ headers: { 'x-cos-meta-x-cos-iv': 'x' } }, 'headers.x-cos-meta-x-cos-iv'],
    [{ storageclass: 'STANDARD' }, 'storageclass'],
    [{ body: 5 }, 'body'],
    [{ key: '' }, 'key']
  ] as const) {
    const failed = await python().putObject({ ...at, body: 'x', ...input } as never)(client)()
    t.match(left(failed), { _tag: 'InvalidInput', field }, field)
  }
  t.same(cos.operations(), [])
  right(await python().putObject({ ...at, body: bytesOf(1000), enableMd5: true })(client)())
})

t.test('a stream is closed if the input is invalid', async (t) => {
  const client = (await startCos(t)).client()
  for (const change of [{ key: '' }, { contentMd5: 'x' }]) {
    const body = Readable.from(['x'])
    left(await python().putObject({ ...at, body, ...change })(client)())
    t.ok(body.destroyed)
  }
  const body = Readable.from([Buffer.from('x')])
  right(await python().putObject({ ...at, body })(client)())
  t.match(left(await python().putObject({ ...at, body })(client)()), { _tag: 'SourceError' })
})

t.test('a failing source, a text chunk and a missing file are errors of the body', async (t) => {
  const client = (await startCos(t)).client()
  const yieldThenBreak = async function* () {
    yield Buffer.from('x')
    throw new Error('disk')
  }
  t.match(left(await python().putObject({ ...at, body: yieldThenBreak() })(client)()), {
    _tag: 'SourceError',
    cause: { message: 'disk' }
  })
  const text = async function* () {
    yield 'x' as never
  }
  t.match(left(await python().putObject({ ...at, body: text() })(client)()), { _tag: 'SourceError' })
  const file = join(t.testdir(), 'missing')
  t.match(left(await python().putObject({ ...at, body: { file } })(client)()), {
    _tag: 'FileError',
    code: 'ENOENT'
  })
})

t.test('a key service cannot write the Python format', async (t) => {
  const client = (await startCos(t)).client()
  const kms = right(
    kmsKey({ id: 'cmk', wrap: () => TE.right(Buffer.of(1)), unwrap: () => TE.right(Buffer.of(1)) })
  )
  t.match(encryptionErrorOf(await python(kms).putObject({ ...at, body: 'x' })(client)()), {
    reason: 'Unsupported'
  })
})
