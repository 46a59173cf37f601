import { createCipheriv } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate } from 'node:timers/promises'
import * as TE from 'fp-ts/lib/TaskEither.js'
import t from 'tap'
import { counterBlock } from '../../../lib/encryption/ctr.js'
import { kmsKey } from '../../../lib/encryption/kms-key.js'
import type { WriteFormat } from '../../../lib/encryption/object-cipher.js'
import { script } from '../../../lib/emulator/index.js'
import { send } from '../../../lib/client/send.js'
import { KiB, MiB } from '../../../lib/core/limits.js'
import { getObject } from '../../../lib/operations/get-object.js'
import { createProgress } from '../../../lib/client/create-progress.js'
import { encrypted } from '../../../lib/transfers/encrypted/encrypted.js'
import { bytesOf, splitBytes } from '../../support/bytes.js'
import { startCos } from '../../support/cos.js'
import { aes, at, readBytes, rsa, scriptedRandom } from '../../support/encryption.js'
import { createKeyStreams } from '../../support/key-streams.js'
import { isLongForm } from '../../support/long-form.js'
import { recordBodies } from '../../support/received-bodies.js'
import { left, right } from '../../support/server.js'

const formats: ReadonlyArray<WriteFormat> = ['sealed', 'python']
const segment = 64 * KiB

const aroundBoundaries = (partSize: number): ReadonlyArray<number> => [
  // 16 bytes for each segment, and the header: the last sizes fill a sealed part.
  ...[0, 1, segment - 1, segment, segment + 1, partSize, partSize + 1, partSize - 1024 - 17 * 16],
  ...(isLongForm ? [partSize - 1, 2 * partSize, 2 * partSize + segment + 1, partSize - 1023 - 17 * 16] : [])
]

t.test('objects of all sizes around boundaries are decrypted to the source', async (t) => {
  const client = (await startCos(t)).client()
  const partSizes = isLongForm ? [MiB, MiB + segment, 2 * MiB] : [MiB + segment]
  const bytes = bytesOf(5 * MiB)
  for (const format of formats)
    for (const partSize of partSizes)
      for (const size of aroundBoundaries(partSize)) {
        const vault = encrypted(format === 'sealed' ? rsa : aes, { format })
        const plain = bytes.subarray(0, size)
        const length = size % 2 === 0 ? { length: size } : {}
        const about = `${format}, ${String(size)} bytes in parts of ${String(partSize)}`
        const result = right(
          await vault.uploadStream({ ...at, partSize, concurrency: 2, ...length })(splitBytes(plain, 77_777))(
            client
          )()
        )
        const stored = right(await readBytes(send(getObject(at)))(client)())
        t.match(
          result,
          {
            size,
            storedSize: stored.length,
            format,
            parts: Math.max(1, Math.ceil(stored.length / partSize)),
            multipart: stored.length > partSize,
            integrity: { _tag: 'Verified' }
          },
          about
        )
        t.ok(right(await readBytes(vault.getObject(at))(client)()).equals(plain), about)
      }
})

t.test("an upload in parts of Python's format is the serial ciphertext of its SDK", async (t) => {
  const client = (await startCos(t)).client()
  const [key, iv] = [bytesOf(32, 5), bytesOf(16, 6)]
  const plain = bytesOf(2 * MiB + 5)
  const vault = encrypted(aes, { format: 'python' })
  right(
    await vault.uploadStream({ ...at, partSize: MiB + 16 })(splitBytes(plain, 5000))({
      ...client,
      random: scriptedRandom(key, iv)
    })()
  )
  const serial = createCipheriv('aes-256-ctr', key, counterBlock(iv, 0)).update(plain)
  t.ok(right(await readBytes(send(getObject(at)))(client)()).equals(serial))
})

t.test('a part that is sent again is the same bytes, and two runs share no data key', async (t) => {
  for (const format of formats) {
    const cos = await startCos(t, {
      fault: script([
        {
          operation: 'UploadPart',
          query: { partNumber: '1' },
          times: 2,
          fault: { cut: { at: 'request', after: 300_000 } }
        },
        {
          operation: 'UploadPart',
          query: { partNumber: '2' },
          times: 1,
          fault: { response: { status: 503 } }
        },
        { operation: 'UploadPart', query: { partNumber: '3' }, times: 1, fault: { cut: { at: 'head' } } },
        { operation: 'PutObject', times: 1, fault: { response: { status: 503 } } }
      ])
    })
    const client = cos.client()
    const received = recordBodies(t, cos.emulator)
    const streams = createKeyStreams(aes, MiB, 'ciphertext')
    const vault = encrypted(aes, { format })
    for (const size of [2 * MiB + 5, 2 * MiB + 5, 1000, 1000]) {
      const plain = bytesOf(size)
      right(await vault.uploadStream({ ...at, partSize: MiB })(splitBytes(plain, 64 * KiB))(client)())
      t.ok(right(await readBytes(vault.getObject(at))(client)()).equals(plain))
    }
    t.same(await streams.add(received()), [])
    t.ok(streams.compared() >= 1.5 * MiB, `${String(streams.compared())} bytes were sent again`)
    t.equal(streams.dataKeys().size, 4)
  }
})

t.test('the search finds a key stream that has two plaintexts', async (t) => {
  const cos = await startCos(t)
  const received = recordBodies(t, cos.emulator)
  for (const format of formats) {
    const streams = createKeyStreams(aes, MiB, 'ciphertext')
    const drawn = format === 'python' ? [bytesOf(32), bytesOf(16)] : [bytesOf(32), bytesOf(32, 2)]
    for (const seed of [1, 2])
      right(
        await encrypted(aes, { format }).uploadStream({ ...at, partSize: MiB })(
          splitBytes(bytesOf(MiB + 5, seed), MiB)
        )({ ...cos.client(), random: scriptedRandom(...drawn) })()
      )
    t.equal((await streams.add(received())).length, 2, format)
    t.same([...streams.dataKeys().values()], [2])
  }
})

t.test('createUploadStream encrypts what is piped into it', async (t) => {
  const client = (await startCos(t)).client()
  const vault = encrypted(aes)
  const plain = bytesOf(2 * MiB + 5)
  const writable = vault.createUploadStream(client)({ ...at, partSize: MiB })
  await pipeline(Readable.from(splitBytes(plain, 10_000)), writable)
  t.match(right(await writable.uploaded()), { size: plain.length, format: 'sealed', keyId: aes.id, parts: 3 })
  t.ok(right(await readBytes(vault.getObject(at))(client)()).equals(plain))
})

t.test('progress counts the bytes of the ciphertext', async (t) => {
  const client = (await startCos(t)).client()
  const progress = createProgress()
  const plain = bytesOf(2 * MiB + 5)
  const input = { ...at, partSize: MiB, length: plain.length, progress }
  const { storedSize } = right(await encrypted(aes).uploadStream(input)(splitBytes(plain, 10_000))(client)())
  t.match(progress.read(), { transferred: storedSize, total: { value: storedSize } })
})

t.test('the MD5 of each encrypted part is sent with enableMd5', async (t) => {
  const cos = await startCos(t)
  const vault = encrypted(aes)
  for (const size of [5, MiB + 5])
    right(
      await vault.uploadStream({ ...at, partSize: MiB, enableMd5: true })(splitBytes(bytesOf(size), 9999))(
        cos.client()
      )()
    )
  const puts = cos.emulator.requests().filter(({ method }) => method === 'PUT')
  t.equal(puts.filter(({ headers }) => headers['content-md5'] !== undefined).length, 3)
})

const trackedSource = () => {
  const at = { isClosed: false }
  async function* read() {
    try {
      yield Buffer.alloc(10)
    } finally {
      at.isClosed = true
    }
  }
  const readable = Readable.from(read())
  readable.on('close', () => {
    at.isClosed = true
  })
  return { at, readable }
}

t.test(
  'inputs that cannot be encrypted are refused before anything is sent, and the source is closed',
  async (t) => {
    const cos = await startCos(t)
    for (const [format, change, field] of [
      ['sealed', { resume: 'newest' }, 'resume'],
      ['sealed', { resume: { uploadId: 'x' } }, 'resume'],
      ['sealed', { picOperations: '{}' }, 'picOperations'],
      ['sealed', { headers: { 'content-md5': 'x' } }, 'headers.content-md5'],
      ['sealed', { metadata: { 'cospipe-sealed': 'x' } }, 'metadata.cospipe-sealed'],
      ['sealed', { key: '' }, 'key'],
      ['other', {}, 'format']
    ] as const) {
      const vault = encrypted(aes, { format: format as WriteFormat })
      const { at: source, readable } = trackedSource()
      const input = { ...at, ...change } as never
      t.match(left(await vault.uploadStream(input)(readable)(cos.client())()), {
        _tag: 'InvalidInput',
        field
      })
      await setImmediate()
      t.ok(source.isClosed, field)
    }
    t.same(cos.operations(), [])
  }
)

t.test('a key service that fails is an EncryptionError before anything is sent', async (t) => {
  const cos = await startCos(t)
  const kms = right(kmsKey({ id: 'cmk', wrap: () => TE.left('down'), unwrap: () => TE.left('down') }))
  const { at: source, readable } = trackedSource()
  const error = left(await encrypted(kms).uploadStream(at)(readable)(cos.client())())
  t.match(error, { _tag: 'EncryptionError', reason: 'Kms' })
  await setImmediate()
  t.ok(source.isClosed)
  t.same(cos.operations(), [])
})
