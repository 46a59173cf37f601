/** Sealed objects without a network: every bit of a small one, and every order of the segments of a larger one. */
import { createCipheriv } from 'node:crypto'
import fc from 'fast-check'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import t from 'tap'
import { contextWithoutObject, CosException, type EncryptionProblem } from '../../lib/core/error.js'
import { markOwned } from '../../lib/core/owned-memory.js'
import { readEnvelope } from '../../lib/encryption/envelope.js'
import { keyring } from '../../lib/encryption/keyring.js'
import { createObjectCipher, type ObjectCipher } from '../../lib/encryption/object-cipher.js'
import {
  encodeHeader,
  headerSize,
  padHeader,
  readMetadataHeader,
  type SealedHeader
} from '../../lib/encryption/sealed-header.js'
import { checkName, deriveKeys } from '../../lib/encryption/sealed-key.js'
import {
  openedSizeOf,
  openSealedObject,
  requestedRange,
  sealedSizeOf,
  segmentsIn
} from '../../lib/encryption/sealed-object.js'
import { openSegments, sealedSegmentSize, sealSegments } from '../../lib/encryption/sealed-segments.js'
import { unwrapSealed } from '../../lib/encryption/sealed-wrap.js'
import { bytesOf, joinBytes, splitBytes } from '../support/bytes.js'
import { aes, at, masterKeys, rsa } from '../support/encryption.js'
import { fromIterable } from '../../lib/stages/iterables.js'
import { toArray, yieldThenFail } from '../support/iterables.js'
import { isLongForm, sampleOf } from '../support/long-form.js'
import { left, right } from '../support/server.js'

const context = contextWithoutObject('GetObject')
const segment = 65_536
let drawn = 0
const random = (size: number): Uint8Array => bytesOf(size, (drawn += 1))

const cipherOf = async (key = aes): Promise<ObjectCipher> =>
  right(await createObjectCipher(key, at, { format: 'sealed', bindsName: true }, random)())

const whole = { offset: 0, last: true }

const seal = async (cipher: ObjectCipher, plain: Uint8Array): Promise<Buffer> =>
  joinBytes(cipher.encrypt(whole)(splitBytes(plain, 50_000)))

const headerOf = ({ metadata }: ObjectCipher): SealedHeader =>
  right(readMetadataHeader(metadata['cospipe-sealed'] ?? ''))

interface OpenResult {
  /** The reason of the failure, or none. */
  readonly reason: string
  readonly plain: Buffer
}

/** What a reader of the whole object gets, and why it stops. */
const open = async (
  header: SealedHeader,
  object: Uint8Array,
  key = aes,
  chunk = 40_000
): Promise<OpenResult> => {
  const unwrapped = await pipe(
    unwrapSealed(keyring(key), header),
    TE.chainFirstEitherK((): E.Either<EncryptionProblem, void> => checkName(header, at))
  )()
  if (E.isLeft(unwrapped)) return { reason: unwrapped.left.reason, plain: Buffer.alloc(0) }
  const chunks: Array<Uint8Array> = []
  try {
    for await (const plain of openSealedObject(
      header,
      unwrapped.right.dataKey,
      context
    )(splitBytes(object, chunk)))
      chunks.push(plain)
    return { reason: 'none', plain: Buffer.concat(chunks) }
  } catch (thrown) {
    if (!(thrown instanceof CosException) || thrown.error._tag !== 'EncryptionError') throw thrown
    return { reason: thrown.error.reason, plain: Buffer.concat(chunks) }
  }
}

const flip = (bytes: Uint8Array, bit: number): Buffer => {
  const flipped = Buffer.from(bytes)
  flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7))
  return flipped
}

t.test('sizes and positions agree in both directions', async (t) => {
  for (const plain of [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000, 2 ** 45]) {
    const stored = sealedSizeOf(plain)
    t.equal(right(openedSizeOf(stored)), plain)
    if (plain < 300_000) t.equal((await seal(await cipherOf(), bytesOf(plain))).length, stored)
  }
  for (const stored of [0, 1023, 1024, 1039, 1024 + sealedSegmentSize + 1, 1024 + sealedSegmentSize + 16])
    t.match(left(openedSizeOf(stored)), { reason: 'Truncated' }, String(stored))
  t.same(requestedRange({ first: 65_536, last: 65_536 }), { first: 66_576, last: 132_127 })
  t.same(requestedRange({ first: 5 }), { first: 1024 })
})

t.test('a suffix requests all segments that it needs, wherever they begin', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 400_000 }),
      fc.integer({ min: 1, max: 500_000 }),
      (plain, suffix) => {
        const stored = sealedSizeOf(plain)
        const requested = requestedRange({ suffix })
        const { span } = segmentsIn({ first: Math.max(0, plain - suffix), last: plain - 1 }, stored)
        return stored - (requested.suffix ?? 0) <= span.first && span.last === stored - 1
      }
    )
  )
})

t.test(
  'every flipped bit of an object and of its metadata is an error, and gives no plaintext',
  async (t) => {
    for (const key of [aes, rsa]) {
      const cipher = await cipherOf(key)
      const plain = bytesOf(40)
      const object = await seal(cipher, plain)
      const header = headerOf(cipher)
      t.match(await open(header, object, key), { reason: 'none', plain })
      const fields = encodeHeader(header)
      const wrapping = [9, ...Array.from({ length: header.keyId.length + 1 }, (_, n) => 44 + n)]
      const found = new Map<string, number>()
      // RSA takes a millisecond for each: the header in full, and a part of the rest.
      const isCostly = (bit: number, step: number): boolean => key === rsa && bit > 8 * 60 && bit % step !== 0
      for (const bit of sampleOf([...Array(object.length * 8).keys()], 9)) {
        if (isCostly(bit, 61)) continue
        const { reason, plain: got } = await open(header, flip(object, bit), key)
        const place = bit >> 3
        // The copy of the wrapping in the object is not used here, and may be that of an older master key.
        const start = 45 + header.keyId.length + 32
        const isWrapping =
          wrapping.includes(place) || (place >= start && place < start + 2 + header.wrappedKey.length)
        if (reason === 'none' && !isWrapping) t.fail(`bit ${String(bit)} of the object`)
        if (reason !== 'none' && got.length > 0) t.fail(`plaintext with bit ${String(bit)}`)
        found.set(reason, (found.get(reason) ?? 0) + 1)
      }
      for (const reason of ['BadEnvelope', 'Unsupported', 'BadSegment']) t.ok(found.has(reason), reason)
      for (const bit of sampleOf([...Array(fields.length * 8).keys()], 9)) {
        if (isCostly(bit, 31)) continue
        const read = readMetadataHeader(flip(fields, bit).toString('base64'))
        if (E.isLeft(read)) continue
        const { reason } = await open(read.right, object, key)
        const place = bit >> 3
        // Another key id: the only key of the keyring is tried all the same.
        const isKeyId = place > 44 && place <= 44 + header.keyId.length
        if (reason === 'none' && !isKeyId) t.fail(`bit ${String(bit)} of the metadata`)
      }
    }
  }
)

t.test('every truncation of an object is an error', async (t) => {
  const cipher = await cipherOf()
  for (const size of [40, 65_536, 140_000]) {
    const whole = bytesOf(size)
    const object = await seal(cipher, whole)
    const header = headerOf(cipher)
    const lengths = new Set([
      ...Array.from({ length: 1100 }, (_, n) => n),
      ...Array.from({ length: 40 }, (_, n) => object.length - 1 - n),
      ...[1, 2].flatMap((n) => [-1, 0, 1, 15, 16, 17].map((d) => headerSize + n * sealedSegmentSize + d))
    ])
    for (const length of lengths) {
      // Within the header the short form tries one in nine.
      if (!isLongForm && length < 1000 && length % 9 !== 0) continue
      if (length < 0 || length >= object.length) continue
      const { reason, plain } = await open(header, object.subarray(0, length))
      if (!['Truncated', 'BadSegment', 'BadEnvelope'].includes(reason)) t.fail(`${String(length)}: ${reason}`)
      if (!plain.equals(whole.subarray(0, plain.length))) t.fail(`wrong bytes at ${String(length)}`)
    }
    const cut = await open(header, object.subarray(0, headerSize + sealedSegmentSize))
    if (size > segment) t.equal(cut.reason, 'Truncated', 'at the end of a segment')
  }
})

t.test('segments in another order, repeated, omitted or of another object are errors', async (t) => {
  const cipher = await cipherOf()
  const plain = bytesOf(3 * segment)
  const object = await seal(cipher, plain)
  const cut = (bytes: Buffer): ReadonlyArray<Buffer> =>
    [0, 1, 2].map((n) =>
      bytes.subarray(headerSize + n * sealedSegmentSize, headerSize + (n + 1) * sealedSegmentSize)
    )
  const segments = cut(object)
  const others = cut(await seal(await cipherOf(), plain))
  const front = object.subarray(0, headerSize)
  const orders = [0, 1, 2].flatMap((a) =>
    [0, 1, 2].flatMap((b) => [
      [a, b],
      ...[0, 1, 2].flatMap((c) => [
        [a, b, c],
        [a, b, c, 2]
      ])
    ])
  )
  for (const order of [[], [0], [2], ...orders]) {
    const made = Buffer.concat([front, ...order.map((n) => segments[n]!)])
    const { reason, plain: got } = await open(headerOf(cipher), made)
    if (order.join() === '0,1,2') t.equal(reason, 'none')
    else t.ok(['BadSegment', 'Truncated'].includes(reason), `${order.join()}: ${reason}`)
    t.ok(got.equals(plain.subarray(0, got.length)), order.join())
  }
  for (const n of [0, 1, 2]) {
    const made = Buffer.concat([front, ...segments.map((each, m) => (m === n ? others[m]! : each))])
    t.equal((await open(headerOf(cipher), made)).reason, 'BadSegment')
  }
  const extended = Buffer.concat([object, segments[2]!.subarray(0, 16)])
  t.equal((await open(headerOf(cipher), extended)).reason, 'BadSegment')
})

t.test('the header of one object on the segments of another is an error', async (t) => {
  const [one, two] = [await cipherOf(), await cipherOf()]
  const object = await seal(two, bytesOf(100))
  t.equal((await open(headerOf(one), object)).reason, 'BadEnvelope')
  const swapped = Buffer.concat([padHeader(encodeHeader(headerOf(one))), object.subarray(headerSize)])
  t.equal((await open(headerOf(one), swapped)).reason, 'BadSegment')
})

t.test('flipped bits of a large object are found in their segment', async (t) => {
  const cipher = await cipherOf()
  const plain = bytesOf(3 * segment + 100)
  const object = await seal(cipher, plain)
  const header = headerOf(cipher)
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: headerSize * 8, max: object.length * 8 - 1 }), async (bit) => {
      const { reason, plain: got } = await open(header, flip(object, bit))
      const place = Math.floor(((bit >> 3) - headerSize) / sealedSegmentSize)
      return reason === 'BadSegment' && got.equals(plain.subarray(0, place * segment))
    })
  )
  t.pass()
})

t.test(
  'a data key that the header does not commit to is WrongKey, even if segments open with it',
  async (t) => {
    // The segments and the salt are those of one data key; the commitment is that of another.
    const [mine, other] = [bytesOf(32, 7), bytesOf(32, 8)]
    const shape = { salt: bytesOf(32, 9), name: headerOf(await cipherOf()).name }
    const wrap = (secret: Uint8Array): Uint8Array => {
      const key = Buffer.from(Uint8Array.from({ length: 32 }, (_, n) => n))
      return createCipheriv('id-aes256-wrap', key, Buffer.alloc(8, 0xa6)).update(secret)
    }
    const keys = deriveKeys(mine, shape)
    const segments = await toArray(
      sealSegments(keys.dataKey, { first: 0, toEnd: true })(splitBytes(bytesOf(100), 100))
    )
    const make = (secret: Uint8Array, commitment: Uint8Array): readonly [SealedHeader, Buffer] => {
      const header: SealedHeader = {
        ...shape,
        wrap: 'aes',
        keyId: aes.id,
        wrappedKey: wrap(secret),
        commitment
      }
      return [header, Buffer.concat([padHeader(encodeHeader(header)), ...segments])]
    }
    t.equal((await open(...make(mine, keys.commitment))).reason, 'none')
    t.equal((await open(...make(mine, deriveKeys(other, shape).commitment))).reason, 'WrongKey')
    t.equal((await open(...make(other, keys.commitment))).reason, 'WrongKey')
    t.equal((await open(...make(other, deriveKeys(other, shape).commitment))).reason, 'BadSegment')
  }
)

t.test('parts of any order are the bytes of the whole', async () => {
  const plain = bytesOf(5 * segment + 77)
  const cipher = await cipherOf()
  const object = await seal(cipher, plain)
  await fc.assert(
    fc.asyncProperty(fc.subarray([1, 2, 3, 4, 5]), async (cuts) => {
      const edges = [0, ...cuts.map((n) => n * segment), plain.length]
      const parts = await Promise.all(
        edges.slice(1).map(async (end, n) => {
          const offset = edges[n] ?? 0
          const extent = { offset, last: end === plain.length }
          const bytes = await joinBytes(cipher.encrypt(extent)(splitBytes(plain.subarray(offset, end), 9999)))
          if (bytes.length !== cipher.storedSize(extent, end - offset)) throw new Error('another size')
          return bytes
        })
      )
      return Buffer.concat(parts).equals(object)
    }),
    { numRuns: 20 }
  )
})

t.test(
  'unknown suites, wraps, segment sizes and flags are Unsupported; other damage is BadEnvelope',
  async (t) => {
    const fields = encodeHeader(headerOf(await cipherOf()))
    const read = (bytes: Uint8Array): string =>
      left(readMetadataHeader(Buffer.from(bytes).toString('base64'))).reason
    for (const [place, value] of [
      [8, 2],
      [9, 0],
      [9, 4],
      [10, 17],
      [11, 2],
      [11, 255]
    ] as const) {
      const changed = Buffer.from(fields)
      changed[place] = value
      t.equal(read(changed), 'Unsupported', `${String(value)} at ${String(place)}`)
    }
    for (let length = 0; length < fields.length; length += 1)
      t.equal(read(fields.subarray(0, length)), 'BadEnvelope')
    t.equal(read(Buffer.concat([fields, Buffer.of(0)])), 'BadEnvelope')
    const p = 'x-cos-meta-'
    const sealed = {
      [`${p}cospipe-sealed`]: fields.toString('base64'),
      [`${p}client-side-encryption-key`]: 'cospipe-sealed'
    }
    t.match(right(readEnvelope(sealed)), { value: { cipher: 'sealed', keyId: O.some(aes.id) } })
    for (const name of ['iv', 'start'])
      t.match(left(readEnvelope({ ...sealed, [`${p}client-side-encryption-${name}`]: 'AAEC' })), {
        reason: 'BadEnvelope'
      })
    t.match(left(readEnvelope({ ...sealed, [`${p}cospipe-sealed`]: '*' })), { reason: 'BadEnvelope' })
    t.same(right(readEnvelope({ [`${p}client-side-encryption-key`]: 'cospipe-sealed' })), O.none)
  }
)

t.test('sealing and opening read one segment ahead; errors of the source pass', async (t) => {
  const { dataKey } = deriveKeys(bytesOf(32), { salt: bytesOf(32), name: O.none })
  let read = 0
  const source = async function* () {
    for (;;) {
      read += 1
      yield Buffer.alloc(segment)
    }
  }
  const sealing = sealSegments(dataKey, { first: 0, toEnd: true })(source())
  await sealing.next()
  t.equal(read, 2)
  await sealing.return()
  const failing = () => yieldThenFail(new Error('net'), Buffer.alloc(10))
  await t.rejects(toArray(sealSegments(dataKey, { first: 0, toEnd: true })(failing())), { message: 'net' })
  await t.rejects(toArray(openSegments(dataKey, { first: 0, toEnd: true }, context)(failing())), {
    message: 'net'
  })
})

t.test('opened chunks have up to four segments, and the memory of a response is freed', async (t) => {
  const { dataKey } = deriveKeys(bytesOf(32), { salt: bytesOf(32), name: O.none })
  const range = { first: 3, toEnd: true }
  const plain = bytesOf(9 * segment + 5)
  const sealed = await joinBytes(sealSegments(dataKey, range)(splitBytes(plain, segment)))
  for (const size of [
    1,
    1000,
    segment,
    sealedSegmentSize,
    2 * sealedSegmentSize + 1,
    5 * segment,
    sealed.length
  ]) {
    if (size === 1 && !isLongForm) continue
    const chunks = await toArray(splitBytes(sealed, size))
    const copies = chunks.map((chunk, n) =>
      n % 2 === 0 ? markOwned(Buffer.from(chunk)) : Buffer.from(chunk)
    )
    const opened = await toArray(openSegments(dataKey, range, context)(fromIterable(copies)))
    t.ok(Buffer.concat(opened).equals(plain), String(size))
    t.ok(opened.every(({ length }) => length <= 4 * segment))
    t.ok(opened.every(({ length, buffer }) => length === buffer.byteLength || length < segment))
    // A chunk below 4 KiB shares its memory.
    if (size > 4096)
      t.same(
        copies.map(({ length }) => length),
        chunks.map(({ length }, n) => (n % 2 === 0 ? 0 : length))
      )
  }
})

t.test('a master key of 16 bytes wraps and unwraps', async (t) => {
  const cipher = await cipherOf(masterKeys['aes128-a'])
  t.match(await open(headerOf(cipher), await seal(cipher, bytesOf(9)), masterKeys['aes128-a']), {
    reason: 'none',
    plain: bytesOf(9)
  })
})
