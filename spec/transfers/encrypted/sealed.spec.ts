/** Sealed objects over the emulator: every size, range, kind of key and upload. */
import { randomBytes } from 'node:crypto'
import * as E from 'fp-ts/lib/Either.js'
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
import { completeMultipartUpload } from '../../../lib/operations/complete-multipart-upload.js'
import { getObject } from '../../../lib/operations/get-object.js'
import { headObject } from '../../../lib/operations/head-object.js'
import type { Range } from '../../../lib/operations/parameters/range.js'
import { encrypted } from '../../../lib/transfers/encrypted/encrypted.js'
import { bytesOf, splitBytes } from '../../support/bytes.js'
import { startCos } from '../../support/cos.js'
import {
  aes,
  at,
  encryptionErrorOf,
  pythonVectors,
  readBytes,
  rsa,
  store,
  vectorKeyText,
  wrongAes
} from '../../support/encryption.js'
import { left, right } from '../../support/server.js'
import { sampleOf } from '../../support/long-form.js'

const vault = encrypted(aes)
const segment = 65_536
const readStored = async (client: Client): Promise<Buffer> =>
  right(await readBytes(send(getObject(at)))(client)())
const headersOf = async (client: Client): Promise<Readonly<Record<string, string>>> =>
  right(await send(headObject(at))(client)()).headers

/** A key service that encrypts with a key of this process. */
const service = (() => {
  const pad = randomBytes(32)
  const xor = (bytes: Uint8Array): Uint8Array => bytes.map((byte, n) => byte ^ (pad[n] ?? 0))
  return right(
    kmsKey({ id: 'cmk', wrap: (bytes) => TE.right(xor(bytes)), unwrap: (bytes) => TE.right(xor(bytes)) })
  )
})()

t.test('objects of every size come back, under every kind of key', async (t) => {
  const client = (await startCos(t)).client()
  for (const size of sampleOf([0, 1, 65_536, 16, 65_535, 15, 65_537, 131_072, 200_000], 2)) {
    const bytes = bytesOf(size)
    for (const key of [aes, rsa, service]) {
      const own = encrypted(key)
      for (const [body, contentLength] of [
        [bytes],
        [splitBytes(bytes, 7777)],
        [splitBytes(bytes, 7777), size]
      ] as const) {
        const put = { ...at, body, ...(contentLength === undefined ? {} : { contentLength }) }
        t.match(right(await own.putObject(put)(client)()), { format: 'sealed', keyId: key.id })
        const got = right(await own.getObject(at)(client)())
        const length = 1024 + size + 16 * Math.max(1, Math.ceil(size / segment))
        t.match(got, {
          format: 'sealed',
          isAuthenticated: true,
          size: O.some(size),
          storedSize: O.some(length)
        })
        t.ok(
          right(await readBytes(() => TE.right(got))(client)()).equals(bytes),
          `${key.kind} ${String(size)}`
        )
        t.match(right(await own.headObject(at)(client)()), {
          size: O.some(size),
          storedSize: length,
          keyId: O.some(key.id),
          metadata: {}
        })
      }
    }
  }
})

t.test('a range is that slice of the plaintext, in one request and authenticated', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  for (const size of [1, 65_535, 65_536, 65_537, 200_000]) {
    const bytes = bytesOf(size)
    right(await vault.putObject({ ...at, body: bytes })(client)())
    const edges = [0, 1, 65_535, 65_536, 65_537, 131_071, 131_072, size - 2, size - 1].filter(
      (edge) => edge >= 0 && edge < size
    )
    const ranges: ReadonlyArray<Range> = [
      ...edges.map((first) => ({ first })),
      ...edges.flatMap((first) => edges.filter((last) => last >= first).map((last) => ({ first, last }))),
      ...[1, 2, 65_535, 65_536, 65_537, size, size + 1, 10 * size].map((suffix) => ({ suffix })),
      { first: size - 1, last: size + 100_000 }
    ]
    for (const range of sampleOf(ranges, 3, size)) {
      const before = cos.operations().length
      const got = right(await vault.getObject({ ...at, range })(client)())
      const first = range.suffix === undefined ? range.first : Math.max(0, size - range.suffix)
      const expected = bytes.subarray(first, (range.last ?? size) + 1)
      const name = `${String(size)} ${JSON.stringify(range)}`
      t.ok(right(await readBytes(() => TE.right(got))(client)()).equals(expected), name)
      t.match(got, { contentLength: O.some(expected.length), isAuthenticated: true }, name)
      t.same(cos.operations().slice(before), ['GetObject'], name)
    }
    for (const range of [{ first: size }, { first: size + 70_000 }, { first: size, last: size + 1 }])
      t.match(left(await vault.getObject({ ...at, range })(client)()), { status: 416 }, JSON.stringify(range))
  }
})

t.test('with wholeEnd a range of an object whose end was cut off is Truncated', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  const bytes = bytesOf(200_000)
  right(await vault.putObject({ ...at, body: bytes })(client)())
  const object = await readStored(client)
  const headers = Object.fromEntries(
    Object.entries(await headersOf(client)).filter(([name]) => name.startsWith('x-cos-meta-'))
  )
  const range = { first: 10, last: 19 }
  const read = (change: object = {}) => readBytes(vault.getObject({ ...at, range, ...change }))(client)()
  const before = cos.operations().length
  t.ok(right(await read({ wholeEnd: true })).equals(bytes.subarray(10, 20)))
  t.equal(cos.operations().length, before + 2)
  t.ok(right(await read({ wholeEnd: true, range: { suffix: 5 } })).equals(bytes.subarray(-5)))
  t.equal(cos.operations().length, before + 3)
  for (const segments of [1, 2]) {
    await store(client, object.subarray(0, 1024 + segments * (segment + 16)), headers)
    // The segment of the range is then the last, and not sealed as such; a later end is not among its bytes.
    if (segments === 1) t.match(encryptionErrorOf(await read()), { reason: 'Truncated' })
    else t.ok(right(await read()).equals(bytes.subarray(10, 20)))
    t.match(encryptionErrorOf(await read({ wholeEnd: true })), {
      reason: 'Truncated',
      segment: O.some(segments - 1)
    })
  }
  const loose = encrypted(aes, { format: 'python', accepts: ['python', 'plain'] })
  right(await loose.putObject({ ...at, body: bytes })(client)())
  t.match(encryptionErrorOf(await loose.getObject({ ...at, range, wholeEnd: true })(client)()), {
    reason: 'Unsupported'
  })
  await store(client, bytes, {})
  t.match(encryptionErrorOf(await loose.getObject({ ...at, wholeEnd: true })(client)()), {
    reason: 'Unsupported'
  })
  t.match(left(await vault.getObject({ ...at, wholeEnd: 'yes' } as never)(client)()), { field: 'wholeEnd' })
})

t.test('a range of a mixed bucket is found in whatever format the object has', async (t) => {
  const client = (await startCos(t)).client()
  const mixed = ['sealed', 'python'] as const
  const bytes = bytesOf(100_000)
  for (const accepts of [mixed, [...mixed].reverse()])
    for (const format of mixed) {
      right(await encrypted(aes, { format }).putObject({ ...at, body: bytes })(client)())
      const reader = encrypted(aes, { accepts })
      for (const range of [
        { first: 0, last: 4 },
        { first: 99_990 },
        { suffix: 7 },
        { first: 65_530, last: 65_540 }
      ]) {
        const got = right(await readBytes(reader.getObject({ ...at, range }))(client)())
        const first = 'suffix' in range ? bytes.length - range.suffix : range.first
        const last = 'last' in range ? range.last : bytes.length - 1
        t.ok(
          got.equals(bytes.subarray(first, last + 1)),
          `${accepts.join()} ${format} ${JSON.stringify(range)}`
        )
      }
    }
  t.match(encryptionErrorOf(await vault.getObject(at)(client)()), { reason: 'NotAccepted' })
})

t.test('a second run of one effect shares no key, salt or ciphertext with the first', async (t) => {
  const client = (await startCos(t)).client()
  const put = vault.putObject({ ...at, body: Buffer.alloc(100) })
  const seen = new Set<string>()
  for (let run = 0; run < 3; run += 1) {
    right(await put(client)())
    seen.add((await readStored(client)).subarray(1024).toString('hex'))
    seen.add((await headersOf(client))['x-cos-meta-cospipe-sealed'] ?? '')
  }
  t.equal(seen.size, 6)
})

t.test('parts in any order, in parallel and again are the object that one request writes', async (t) => {
  const client = (await startCos(t)).client()
  const part = 16 * segment
  const bytes = bytesOf(2 * part + 70_000)
  const draws = [randomBytes(32), randomBytes(32)]
  const random = () => {
    const rest = [...draws]
    return () => rest.shift() ?? Buffer.alloc(0)
  }
  right(await vault.putObject({ ...at, body: bytes })({ ...client, random: random() })())
  const whole = await readStored(client)
  const upload = right(await vault.createMultipartUpload(at)({ ...client, random: random() })())
  const send3 = async (n: number): Promise<string> => {
    const offset = n * part
    const body = bytes.subarray(offset, offset + part)
    return right(await vault.uploadPart({ upload, partNumber: n + 1, offset, body, last: n === 2 })(client)())
      .etag
  }
  await send3(2)
  const etags = [...(await Promise.all([1, 0].map(send3))), await send3(2)]
  t.equal(etags[2], await send3(2))
  right(
    await send(
      completeMultipartUpload({
        ...at,
        uploadId: upload.uploadId,
        parts: [etags[1], etags[0], etags[2]].map((etag = '', n) => ({ partNumber: n + 1, etag }))
      })
    )(client)()
  )
  t.ok((await readStored(client)).equals(whole))
  t.ok(right(await readBytes(vault.getObject(at))(client)()).equals(bytes))
  for (const [change, field] of [
    [{ offset: 16 }, 'offset'],
    [{ offset: 4 * part, body: Buffer.alloc(segment + 1) }, 'body'],
    [{ offset: 4 * part, body: Buffer.alloc(0), last: true }, 'body']
  ] as const)
    t.match(
      left(
        await vault.uploadPart({ upload, partNumber: 9, body: Buffer.alloc(segment), ...change })(client)()
      ),
      {
        _tag: 'InvalidInput',
        field
      }
    )
})

t.test('an empty object can be uploaded as one part', async (t) => {
  const client = (await startCos(t)).client()
  const upload = right(await vault.createMultipartUpload(at)(client)())
  const { etag } = right(
    await vault.uploadPart({ upload, partNumber: 1, offset: 0, body: '', last: true })(client)()
  )
  right(
    await send(
      completeMultipartUpload({ ...at, uploadId: upload.uploadId, parts: [{ partNumber: 1, etag }] })
    )(client)()
  )
  t.equal(right(await readBytes(vault.getObject(at))(client)()).length, 0)
})

t.test('an object under another name is OtherName unless bindsName is false', async (t) => {
  const client = (await startCos(t)).client()
  right(await vault.putObject({ ...at, body: 'x' })(client)())
  const copy = { ...at, key: 'copy.bin' }
  const copySource = { ...at, region: 'ap-guangzhou' }
  right(await send(copyObject({ ...copy, copySource }))(client)())
  t.match(encryptionErrorOf(await vault.getObject(copy)(client)()), { reason: 'OtherName' })
  const anywhere = encrypted(aes, { bindsName: false })
  t.equal(right(await readBytes(anywhere.getObject(copy))(client)()).toString(), 'x')
  // A leading slash is dropped, as everywhere.
  t.equal(right(await readBytes(vault.getObject({ ...at, key: `/${at.key}` }))(client)()).toString(), 'x')
  right(await anywhere.putObject({ ...at, body: 'y' })(client)())
  t.match(encryptionErrorOf(await vault.getObject(at)(client)()), {
    reason: 'OtherName',
    problem: /not bound/
  })
})

t.test('an object whose metadata were replaced is opened by the header in its body', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  const bytes = bytesOf(100_000)
  right(await vault.putObject({ ...at, body: bytes })(client)())
  const copySource = { ...at, region: 'ap-guangzhou' }
  right(
    await send(copyObject({ ...at, copySource, copyStatus: 'Replaced', metadata: { owner: 'a' } }))(client)()
  )
  t.notOk('x-cos-meta-cospipe-sealed' in (await headersOf(client)))
  t.ok(right(await readBytes(vault.getObject(at))(client)()).equals(bytes))
  const tail = right(await readBytes(vault.getObject({ ...at, range: { suffix: 5 } }))(client)())
  t.ok(tail.equals(bytes.subarray(-5)))
  t.match(right(await vault.headObject(at)(client)()), { size: O.some(100_000), metadata: { owner: 'a' } })
  for (const plain of [Buffer.alloc(0), Buffer.from('plain'), Buffer.alloc(5000)]) {
    await store(client, plain, {})
    t.match(encryptionErrorOf(await vault.getObject(at)(client)()), { reason: 'NotEncrypted' })
    t.match(encryptionErrorOf(await vault.headObject(at)(client)()), { reason: 'NotEncrypted' })
    if (plain.length > 3)
      t.match(encryptionErrorOf(await vault.getObject({ ...at, range: { first: 2, last: 3 } })(client)()), {
        reason: 'NotEncrypted'
      })
  }
})

t.test('a keyring opens objects of every key, and a wrong key of any kind is noticed', async (t) => {
  const client = (await startCos(t)).client()
  const [old, now] = ['2025', '2026'].map((id) => right(aesKey(randomBytes(32), { id })))
  for (const key of [old!, now!, rsa, service]) {
    right(await encrypted(key).putObject({ ...at, body: 'x' })(client)())
    const ring = encrypted(keyring(now!, old!, wrongAes, rsa, service))
    const got = right(await ring.getObject(at)(client)())
    t.same(got.keyId, O.some(key.id))
    t.equal(right(await readBytes(() => TE.right(got))(client)()).toString(), 'x')
  }
  right(await encrypted(old!).putObject({ ...at, body: 'x' })(client)())
  t.match(encryptionErrorOf(await encrypted(now!).getObject(at)(client)()), {
    reason: 'NoKey',
    keyId: O.some('2025')
  })
  t.match(encryptionErrorOf(await encrypted(rsa).getObject(at)(client)()), { reason: 'NoKey' })
  const sameName = right(aesKey(randomBytes(32), { id: '2025' }))
  t.match(encryptionErrorOf(await encrypted(sameName).getObject(at)(client)()), { reason: 'WrongKey' })
  right(await encrypted(rsa).putObject({ ...at, body: 'x' })(client)())
  const onlyPublic = right(rsaKey({ publicKey: vectorKeyText('rsa2048-a.public.spki.pem') }))
  t.match(encryptionErrorOf(await encrypted(onlyPublic).getObject(at)(client)()), { reason: 'NoKey' })
  // A key that its owner renamed still opens its objects.
  const renamed = right(rsaKey({ privateKey: vectorKeyText('rsa2048-a.private.pkcs8.pem'), id: 'new name' }))
  t.equal(right(await readBytes(encrypted(renamed).getObject(at))(client)()).toString(), 'x')
})

t.test('a key service that fails is Kms, in writing and in reading', async (t) => {
  const client = (await startCos(t)).client()
  const createFailingKey = (change: object) =>
    right(
      kmsKey({
        id: 'cmk',
        wrap: () => TE.left(new Error('down')),
        unwrap: () => TE.left(new Error('down')),
        ...change
      })
    )
  t.match(
    encryptionErrorOf(await encrypted(createFailingKey({})).putObject({ ...at, body: 'x' })(client)()),
    {
      reason: 'Kms',
      problem: /down/
    }
  )
  for (const size of [0, 513])
    t.match(
      encryptionErrorOf(
        await encrypted(createFailingKey({ wrap: () => TE.right(Buffer.alloc(size)) })).putObject({
          ...at,
          body: 'x'
        })(client)()
      ),
      { reason: 'Kms' }
    )
  right(await encrypted(service).putObject({ ...at, body: 'x' })(client)())
  t.match(encryptionErrorOf(await encrypted(createFailingKey({})).getObject(at)(client)()), { reason: 'Kms' })
})

t.test('the SDKs of Python, Go and Java find a key without an IV, and stop', async (t) => {
  const client = (await startCos(t)).client()
  right(await vault.putObject({ ...at, body: 'x' })(client)())
  const headers = await headersOf(client)
  t.equal(headers['x-cos-meta-client-side-encryption-key'], 'cospipe-sealed')
  for (const name of ['iv', 'start', 'cek-alg', 'wrap-alg'])
    t.notOk(`x-cos-meta-client-side-encryption-${name}` in headers)
  t.match(encryptionErrorOf(await encrypted(aes, { format: 'python' }).getObject(at)(client)()), {
    reason: 'NotAccepted'
  })
  const python = pythonVectors().find(({ id }) => id === 'aes-17b')
  await store(client, Buffer.from(python?.ciphertext.base64 ?? '', 'base64'), python?.metadata ?? {})
  t.match(encryptionErrorOf(await vault.getObject(at)(client)()), { reason: 'NotAccepted' })
  t.ok(E.isLeft(await vault.headObject(at)(client)()))
})
