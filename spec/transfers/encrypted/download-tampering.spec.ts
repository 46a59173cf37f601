/**
 * Stored objects that were changed: downloadStream and downloadFile fail, and yield no byte that the writer did not write. These
 * are samples through HTTP; `spec/encryption/sealed-tampering.spec.ts` has every byte and every length.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t, { type Test } from 'tap'
import type { Client } from '../../../lib/client/client.js'
import { CosException, type CosError } from '../../../lib/core/error.js'
import { send } from '../../../lib/client/send.js'
import { sealedMetadata } from '../../../lib/encryption/envelope.js'
import {
  encodeHeader,
  nameHash,
  padHeader,
  type SealedHeader
} from '../../../lib/encryption/sealed-header.js'
import { deriveKeys } from '../../../lib/encryption/sealed-key.js'
import { wrapSealed } from '../../../lib/encryption/sealed-wrap.js'
import { getObject } from '../../../lib/operations/get-object.js'
import { headObject } from '../../../lib/operations/head-object.js'
import { encrypted } from '../../../lib/transfers/encrypted/encrypted.js'
import { bytesOf } from '../../support/bytes.js'
import { startCos } from '../../support/cos.js'
import { aes, at, readBytes, rsa, store } from '../../support/encryption.js'
import { isLongForm } from '../../support/long-form.js'
import { left, right } from '../../support/server.js'
import { twoKeySegment } from '../../support/two-key-segment.js'

const KiB = 1024
const segment = 65_536
const sealed = segment + 16
const header = 1024
const vault = encrypted(aes)

interface StoredObject {
  readonly plain: Buffer
  readonly bytes: Buffer
  readonly headers: Readonly<Record<string, string>>
}

const metadataOf = (headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-cos-meta-')))

const write = async (client: Client, plain: Buffer, key = aes): Promise<StoredObject> => {
  right(await encrypted(key).putObject({ ...at, body: plain })(client)())
  const { headers } = right(await send(headObject(at))(client)())
  return { plain, bytes: right(await readBytes(send(getObject(at)))(client)()), headers: metadataOf(headers) }
}

interface Scene {
  readonly client: Client
  readonly file: string
}

const scene = async (t: Test): Promise<Scene> => ({
  client: (await startCos(t)).client(),
  file: join(t.testdir({ 'a.bin': 'old' }), 'a.bin')
})

/** Bytes of the stream before it failed, and the tag of its error; none if it ended. */
const readStream = async (
  client: Client,
  partSize: number
): Promise<{ readonly given: Buffer; readonly error: string | undefined }> => {
  const down = await vault.downloadStream({ ...at, partSize })(client)()
  if (E.isLeft(down)) return { given: Buffer.alloc(0), error: down.left._tag }
  const chunks: Array<Buffer> = []
  try {
    for await (const chunk of down.right.body) chunks.push(chunk as Buffer)
    return { given: Buffer.concat(chunks), error: undefined }
  } catch (thrown) {
    return {
      given: Buffer.concat(chunks),
      error: thrown instanceof CosException ? thrown.error._tag : 'other'
    }
  }
}

interface Change extends Pick<StoredObject, 'bytes' | 'headers'> {
  /** Whether the object may open all the same, with every byte of its plaintext: one copy of its wrapping was changed. */
  readonly mayOpen?: boolean
}

/** Stores the changed object, and expects that both downloads refuse it. One assertion for all: there are thousands. */
const refuses = async (
  t: Test,
  { client, file }: Scene,
  { plain }: StoredObject,
  { bytes, headers, mayOpen = false }: Change,
  name: string
): Promise<void> => {
  await store(client, bytes, headers)
  const { given, error } = await readStream(client, Math.max(50_000, bytes.length >> 4))
  const input = { ...at, file, threshold: 0, partSize: segment, onFailure: 'discard' } as const
  const saved = await vault.downloadFile(input)(client)()
  const refused = E.isLeft(saved) && saved.left._tag === 'EncryptionError' && error === 'EncryptionError'
  const opened = mayOpen && E.isRight(saved) && error === undefined
  const found = await readFile(file)
  const isFile = refused ? found.equals(Buffer.from('old')) : found.equals(plain)
  const isPrefix = given.equals(plain.subarray(0, given.length)) && given.length % segment === 0
  if (!(refused && isPrefix && isFile) && !(opened && given.equals(plain) && isFile))
    t.fail(`${name}: ${String(error)} after ${String(given.length)} bytes, ${saved._tag}`)
  if (opened) await writeFile(file, 'old')
}

const flip = (bytes: Uint8Array, bit: number): Buffer => {
  const flipped = Buffer.from(bytes)
  flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7))
  return flipped
}

/** Every `step`th number below `end`, and the last. */
const sample = (end: number, step: number): ReadonlyArray<number> => [
  ...Array.from({ length: Math.ceil(end / step) }, (_, n) => n * step),
  end - 1
]

const sizes = [0, 1, segment, 2 * segment + 1, 3 * segment]

t.test('a flipped bit of the header, the metadata or a segment is an EncryptionError', async (t) => {
  t.setTimeout(3_600_000)
  const here = await scene(t)
  for (const size of isLongForm ? sizes : [1, 2 * segment + 1]) {
    const object = await write(here.client, bytesOf(size))
    const bits = object.bytes.length * 8
    const tested = isLongForm
      ? [...sample(8 * header, 613), ...sample(bits, Math.ceil(bits / 20)), bits - 129]
      : [...sample(8 * header, 1009), ...sample(bits, Math.ceil(bits / 7)), bits - 129]
    const name = 'x-cos-meta-cospipe-sealed'
    const metadata = Buffer.from(object.headers[name] ?? '', 'base64')
    const idLength = metadata[44] ?? 0
    const wrappedAt = 45 + idLength + 32 + 2
    const isId = (bit: number): boolean => bit >> 3 >= 45 && bit >> 3 < 45 + idLength
    // Of the header at the start, the wrapping is not used: that of the metadata may be newer.
    const isWrapping = (bit: number): boolean =>
      isId(bit) || bit >> 3 === 9 || (bit >> 3 >= wrappedAt && bit >> 3 < metadata.length - 32)
    for (const bit of tested) {
      const changed = { ...object, bytes: flip(object.bytes, bit), mayOpen: isWrapping(bit) }
      await refuses(t, here, object, changed, `${String(size)}: bit ${String(bit)}`)
    }
    for (const bit of sample(8 * metadata.length, isLongForm ? 73 : 1501)) {
      const headers = { ...object.headers, [name]: flip(metadata, bit).toString('base64') }
      // Without its name the key is found by a try.
      const changed = { ...object, headers, mayOpen: isId(bit) }
      await refuses(t, here, object, changed, `${String(size)}: metadata bit ${String(bit)}`)
    }
  }
  t.equal(await readFile(here.file, 'utf8'), 'old')
})

t.test('a truncated object, and bytes after the end, are an EncryptionError', async (t) => {
  t.setTimeout(3_600_000)
  const here = await scene(t)
  for (const size of isLongForm ? sizes : [2 * segment]) {
    const object = await write(here.client, bytesOf(size))
    const whole = object.bytes.length
    const edges = [1, 15, 16, 17, sealed - 1, sealed, sealed + 1, 2 * sealed, whole - header, whole - 1]
    const cuts = isLongForm ? [...sample(whole, Math.ceil(whole / 20)), ...edges] : edges
    for (const cut of new Set(cuts)) {
      if (cut < 1 || cut >= whole) continue
      await refuses(
        t,
        here,
        object,
        { ...object, bytes: object.bytes.subarray(0, whole - cut) },
        `${String(size)}: ${String(cut)} less`
      )
    }
    for (const more of [1, 16, sealed])
      await refuses(
        t,
        here,
        object,
        { ...object, bytes: Buffer.concat([object.bytes, Buffer.alloc(more)]) },
        `${String(size)}: ${String(more)} more`
      )
  }
  t.equal(await readFile(here.file, 'utf8'), 'old')
})

t.test(
  'segments that are exchanged, repeated, omitted or of another object are an EncryptionError',
  async (t) => {
    const here = await scene(t)
    const other = await write(here.client, bytesOf(3 * segment, 2))
    const object = await write(here.client, bytesOf(3 * segment))
    const part = (of: StoredObject, n: number): Buffer =>
      of.bytes.subarray(header + n * sealed, header + (n + 1) * sealed)
    const front = object.bytes.subarray(0, header)
    for (const order of [
      [1, 0, 2],
      [0, 2, 1],
      [2, 1, 0],
      [0, 0, 2],
      [0, 1, 1],
      [2, 2, 2],
      [0, 2],
      [1, 2],
      [0, 1, 2, 2]
    ])
      await refuses(
        t,
        here,
        object,
        { ...object, bytes: Buffer.concat([front, ...order.map((n) => part(object, n))]) },
        order.join()
      )
    for (const n of [0, 1, 2]) {
      const mixed = [0, 1, 2].map((each) => part(each === n ? other : object, each))
      await refuses(
        t,
        here,
        object,
        { ...object, bytes: Buffer.concat([front, ...mixed]) },
        `segment ${String(n)} of another`
      )
    }
    await refuses(t, here, object, { ...object, bytes: other.bytes }, 'the bytes of another')
    await refuses(t, here, object, { ...object, headers: other.headers }, 'the metadata of another')
    await refuses(
      t,
      here,
      object,
      { ...object, bytes: Buffer.concat([front, other.bytes.subarray(header)]) },
      'segments of another'
    )
  }
)

t.test('a ciphertext that opens under two data keys is refused by the commitment', async (t) => {
  const { client, file } = await scene(t)
  const shape = { salt: bytesOf(32, 3), name: O.some(nameHash(at)) }
  const secrets = [bytesOf(32, 4), bytesOf(32, 5)]
  const keys = secrets.map((secret) => deriveKeys(secret, shape))
  const segment = twoKeySegment(keys[0]!.dataKey, keys[1]!.dataKey, bytesOf(16, 6))
  for (const key of [aes, rsa]) {
    const headers = await Promise.all(
      secrets.map(async (secret, n) => ({
        ...shape,
        ...right(await wrapSealed(key, secret, bytesOf)()),
        keyId: key.id,
        commitment: keys[n]!.commitment
      }))
    )
    const put = (metadata: SealedHeader, front: SealedHeader) =>
      store(
        client,
        Buffer.concat([padHeader(encodeHeader(front)), segment]),
        Object.fromEntries(
          Object.entries(sealedMetadata(encodeHeader(metadata))).map(([name, value]) => [
            `x-cos-meta-${name}`,
            value
          ])
        )
      )
    const vault = encrypted(key)
    const reasonOf = (result: E.Either<CosError, unknown>): string => {
      const error = left(result)
      return error._tag === 'EncryptionError' ? error.reason : error._tag
    }
    const wholeReads = async () => [
      reasonOf(await vault.downloadFile({ ...at, file, threshold: 0, onFailure: 'discard' })(client)()),
      reasonOf(await readBytes(vault.downloadStream(at))(client)())
    ]
    const rangeRead = () => readBytes(vault.getObject({ ...at, range: { first: 0, last: 3 } }))(client)()
    const [one, two] = [headers[0]!, headers[1]!]
    for (const header of [one, two]) {
      await put(header, header)
      t.equal(right(await readBytes(vault.getObject(at))(client)()).length, 32, 'each alone opens')
    }
    // The data key of one, and the commitment of the other.
    const mixed = { ...two, commitment: one.commitment }
    await put(mixed, mixed)
    t.same([...(await wholeReads()), reasonOf(await rangeRead())], ['WrongKey', 'WrongKey', 'WrongKey'])
    // Two headers, each with its own commitment: that of the metadata decides, and a read of the start sees both.
    await put(two, one)
    t.same(await wholeReads(), ['BadEnvelope', 'BadEnvelope'])
    t.equal(right(await rangeRead()).length, 4)
  }
  t.equal(await readFile(file, 'utf8'), 'old')
})

t.test('flipped bits of a large object are found in their segment', async (t) => {
  t.setTimeout(3_600_000)
  const here = await scene(t)
  const object = await write(here.client, bytesOf((isLongForm ? 100 * KiB : KiB) * KiB))
  const bits = bytesOf(4 * (isLongForm ? 5 : 3), 11)
  for (let at4 = 0; at4 < bits.length; at4 += 4) {
    const bit = bits.readUInt32LE(at4) % (object.bytes.length * 8)
    await refuses(t, here, object, { ...object, bytes: flip(object.bytes, bit) }, `bit ${String(bit)}`)
  }
  t.equal(await readFile(here.file, 'utf8'), 'old')
})
