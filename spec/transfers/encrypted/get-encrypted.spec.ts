import {
  constants,
  createCipheriv,
  createHash,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  publicEncrypt,
  randomBytes
} from 'node:crypto'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import t from 'tap'
import { applyCtr } from '../../../lib/encryption/ctr.js'
import { keyring } from '../../../lib/encryption/keyring.js'
import { rsaKey } from '../../../lib/encryption/rsa-key.js'
import { encodeOaep, javaOaep } from '../../../lib/encryption/rsa-padding.js'
import type { Range } from '../../../lib/operations/parameters/range.js'
import { encrypted } from '../../../lib/transfers/encrypted/encrypted.js'
import type { EncryptedOptions } from '../../../lib/transfers/encrypted/options.js'
import { startCos } from '../../support/cos.js'
import {
  aes,
  at,
  encryptionErrorOf,
  javaVectors,
  masterKeys,
  plaintextOf,
  pythonVectors,
  rangedGetVectors,
  readBytes,
  rsa,
  store,
  vectorKeyText,
  wrongAes,
  type EncryptedVector
} from '../../support/encryption.js'
import { from, toArray } from '../../support/iterables.js'
import { sampleOf } from '../../support/long-form.js'
import { left, right } from '../../support/server.js'

const everything: EncryptedOptions = {
  format: 'python',
  accepts: ['python', 'go', 'java-gcm', 'java-ctr', 'java-cbc'],
  pkcs1v15: true,
  instructionFiles: true
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** The recorded ciphertext; of a long one, which is not recorded whole, CTR of the recorded key. */
const ciphertextOf = async (vector: EncryptedVector): Promise<Buffer> => {
  const { base64, sha256: expected } = vector.ciphertext
  const dataKey = {
    key: createSecretKey(Buffer.from(vector.dataKeyHex, 'hex')),
    iv: Buffer.from(vector.dataIvHex, 'hex')
  }
  const bytes =
    base64 === undefined
      ? Buffer.concat(await toArray(applyCtr(dataKey, 0)(from(plaintextOf(vector)))))
      : Buffer.from(base64, 'base64')
  if (sha256(bytes) !== expected) throw new Error(`${vector.id}: another ciphertext`)
  return bytes
}

const vectorById = (id: string): EncryptedVector => {
  const found = [...pythonVectors(), ...javaVectors()].find((vector) => vector.id === id)
  if (found === undefined) throw new Error(`no vector ${id}`)
  return found
}

t.test('every recorded object of the Python and Java SDKs is decrypted', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  const all = [...pythonVectors(), ...javaVectors()]
  t.equal(all.length, 21 + 5 + 4)
  for (const vector of all) {
    const { id, metadata, masterKey, instructionObject } = vector
    await store(client, await ciphertextOf(vector), metadata)
    if (instructionObject !== undefined)
      await store(client, Buffer.from(instructionObject.body), {}, `${at.key}${instructionObject.keySuffix}`)
    const vault = encrypted(masterKeys[masterKey]!, everything)
    const got = right(await vault.getObject(at)(client)())
    t.ok(right(await readBytes(() => async () => E.right(got))(client)()).equals(plaintextOf(vector)), id)
    const verdict = right(await got.verified())
    t.equal(verdict._tag, 'Verified', id)
    t.equal(got.isAuthenticated, got.format === 'java-gcm', id)
    t.same(got.keyId, O.some(masterKeys[masterKey]!.id))
    t.same(got.storedSize, O.some(vector.ciphertext.length))
    if (got.format !== 'java-cbc' || id.startsWith('jce'))
      t.same(got.size, O.some(vector.plaintext.length), id)
    t.notOk(
      Object.keys(got.metadata).some((name) => name.startsWith('client-side') || name.startsWith('x-cos-'))
    )
  }
})

const rangeIn = (text: string): Range => {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(text) ?? []
  if (first === '') return { suffix: Number(last) }
  return { first: Number(first), ...(last === '' ? {} : { last: Number(last) }) }
}

t.test('every recorded range of the Python SDK is decrypted', async (t) => {
  const client = (await startCos(t)).client()
  for (const { object, cases } of rangedGetVectors()) {
    const vector = vectorById(object)
    await store(client, await ciphertextOf(vector), vector.metadata)
    const vault = encrypted(masterKeys[vector.masterKey]!, { format: 'python' })
    for (const { requested, plaintextLength, plaintextSha256 } of cases) {
      const range = rangeIn(requested)
      const bytes = right(await readBytes(vault.getObject({ ...at, range }))(client)())
      t.equal(bytes.length, plaintextLength, `${object} ${requested}`)
      t.equal(sha256(bytes), plaintextSha256, `${object} ${requested}`)
    }
  }
})

t.test('a range at every block edge is that slice of the plaintext, in CTR and in GCM', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  for (const [id, key] of [
    ['java-rsa-ctr', rsa],
    ['java-rsa-gcm', rsa],
    ['java-mp-rsa-gcm', rsa]
  ] as const) {
    const vector = vectorById(id)
    await store(client, await ciphertextOf(vector), vector.metadata)
    const plain = plaintextOf(vector)
    const vault = encrypted(key, everything)
    const edges = [0, 1, 15, 16, 17, 31, 32, 33, 95, 96, 97, 98, 99].filter((edge) => edge < plain.length)
    const ranges: Array<Range> = [
      ...edges.map((first) => ({ first })),
      ...edges.flatMap((first) => edges.filter((last) => last >= first).map((last) => ({ first, last }))),
      ...[1, 15, 16, 17, 99, 100, 101, 115, 116, 117, 1000].map((suffix) => ({ suffix })),
      { first: 5, last: 1000 }
    ]
    for (const range of sampleOf(ranges, 8)) {
      const got = right(await vault.getObject({ ...at, range })(client)())
      const first = range.suffix === undefined ? range.first : Math.max(0, plain.length - range.suffix)
      const expected = plain.subarray(first, (range.last ?? plain.length) + 1)
      const name = `${id} ${JSON.stringify(range)}`
      t.same(got.contentLength, O.some(expected.length), name)
      if (O.isSome(got.contentRange))
        t.same(got.contentRange.value, {
          first,
          last: first + expected.length - 1,
          size: O.some(plain.length)
        })
      t.same(right(await readBytes(() => async () => E.right(got))(client)()), expected, name)
    }
    for (const range of [
      { first: plain.length },
      { first: plain.length + 15, last: plain.length + 16 },
      { first: 1000 }
    ])
      t.match(
        left(await vault.getObject({ ...at, range })(client)()),
        { _tag: 'ServiceError', status: 416, code: 'InvalidRange' },
        `${id} ${JSON.stringify(range)}`
      )
  }
})

t.test('a range of CBC is Unsupported, and the whole of an empty object is empty', async (t) => {
  const client = (await startCos(t)).client()
  const vault = encrypted(aes, everything)
  const cbc = vectorById('jce-aes-cbc')
  await store(client, await ciphertextOf(cbc), cbc.metadata)
  t.match(encryptionErrorOf(await vault.getObject({ ...at, range: { first: 0 } })(client)()), {
    reason: 'Unsupported'
  })
  const empty = vectorById('jce-aes-cbc-empty')
  await store(client, await ciphertextOf(empty), empty.metadata)
  t.equal(right(await readBytes(vault.getObject(at))(client)()).length, 0)
})

t.test('GCM of an empty object is authenticated, and its ranges are beyond the end', async (t) => {
  const client = (await startCos(t)).client()
  const [key, iv] = [randomBytes(32), randomBytes(12)]
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  cipher.final()
  const wrap = (bytes: Uint8Array): string =>
    publicEncrypt(
      { key: createPublicKey(vectorKeyText('rsa2048-a.public.spki.pem')), padding: constants.RSA_NO_PADDING },
      encodeOaep(javaOaep, bytes, randomBytes(32), 256)
    ).toString('base64')
  const prefix = 'x-cos-meta-client-side-encryption-'
  await store(client, cipher.getAuthTag(), {
    [`${prefix}key`]: wrap(key),
    [`${prefix}start`]: wrap(iv),
    [`${prefix}cek-alg`]: 'AES/GCM/NoPadding',
    [`${prefix}wrap-alg`]: 'RSA/ECB/OAEPWithSHA-256AndMGF1Padding',
    'x-cos-meta-x-cos-tag-len': '128'
  })
  const vault = encrypted(rsa, everything)
  const got = right(await vault.getObject(at)(client)())
  t.same(got.size, O.some(0))
  t.ok(got.isAuthenticated)
  t.equal(right(await readBytes(() => async () => E.right(got))(client)()).length, 0)
  for (const range of [{ first: 0 }, { first: 3, last: 5 }, { suffix: 1 }])
    t.match(left(await vault.getObject({ ...at, range })(client)()), { status: 416 })
})

t.test('one request reads an object; a suffix of GCM takes a second one with If-Match', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  const vector = vectorById('java-rsa-gcm')
  await store(client, await ciphertextOf(vector), vector.metadata)
  const vault = encrypted(rsa, everything)
  const before = cos.operations().length
  right(await readBytes(vault.getObject(at))(client)())
  t.same(cos.operations().slice(before), ['GetObject'])
  right(await readBytes(vault.getObject({ ...at, range: { suffix: 5 } }))(client)())
  t.same(cos.operations().slice(before), ['GetObject', 'GetObject', 'GetObject'])
})

t.test('an object that is replaced between the two requests of a suffix is ObjectChanged', async (t) => {
  const vector = vectorById('java-rsa-gcm')
  const cos = await startCos(t, {
    fault: ({ operation, count }) =>
      operation === 'GetObject' && count === 1 ? { headers: { etag: '"another"' } } : undefined
  })
  const client = cos.client()
  await store(client, await ciphertextOf(vector), vector.metadata)
  const failed = await encrypted(rsa, everything).getObject({ ...at, range: { suffix: 5 } })(client)()
  t.match(left(failed), { _tag: 'ObjectChanged', expected: '"another"' })
})

t.test('an object without encryption, or in a format that is not accepted, is refused', async (t) => {
  const client = (await startCos(t)).client()
  await store(client, Buffer.from('plain text'), {})
  t.match(encryptionErrorOf(await encrypted(aes, { format: 'python' }).getObject(at)(client)()), {
    reason: 'NotEncrypted'
  })
  const passing = encrypted(aes, { format: 'python', accepts: ['python', 'plain'] })
  const got = right(await passing.getObject({ ...at, range: { first: 6 } })(client)())
  t.match(got, { format: 'plain', keyId: O.none, isAuthenticated: false })
  t.equal(right(await readBytes(() => async () => E.right(got))(client)()).toString(), 'text')

  const java = vectorById('java-rsa-ctr')
  await store(client, await ciphertextOf(java), java.metadata)
  t.match(encryptionErrorOf(await encrypted(rsa, { format: 'python' }).getObject(at)(client)()), {
    reason: 'NotAccepted',
    problem: /java-ctr/
  })
  const python = vectorById('rsa-17b')
  await store(client, await ciphertextOf(python), python.metadata)
  const javaOnly = encrypted(rsa, { format: 'python', accepts: ['java-gcm', 'plain'] })
  t.match(encryptionErrorOf(await javaOnly.getObject(at)(client)()), { reason: 'NotAccepted' })
})

t.test('an instruction file is read only if requested', async (t) => {
  const cos = await startCos(t)
  const client = cos.client()
  const vector = vectorById('java-instr')
  await store(client, await ciphertextOf(vector), vector.metadata)
  const accepts = ['java-gcm'] as const
  const before = cos.operations().length
  const without = encrypted(rsa, { format: 'python', accepts })
  t.match(encryptionErrorOf(await without.getObject(at)(client)()), { reason: 'NotEncrypted' })
  t.equal(cos.operations().length, before + 1)
  const withFiles = encrypted(rsa, { format: 'python', accepts, instructionFiles: true })
  t.match(encryptionErrorOf(await withFiles.getObject(at)(client)()), { reason: 'NotEncrypted' })
  await store(client, Buffer.from('{}'), {}, `${at.key}.instruction`)
  t.match(encryptionErrorOf(await withFiles.getObject(at)(client)()), { reason: 'BadEnvelope' })
  await store(client, Buffer.from(vector.instructionObject?.body ?? ''), {}, `${at.key}.instruction`)
  t.ok(right(await readBytes(withFiles.getObject(at))(client)()).equals(plaintextOf(vector)))
})

t.test('PKCS#1 v1.5 is WrongKey unless pkcs1v15 is set', async (t) => {
  const client = (await startCos(t)).client()
  const vector = vectorById('rsa-value-17b')
  await store(client, await ciphertextOf(vector), vector.metadata)
  t.match(encryptionErrorOf(await encrypted(rsa, { format: 'python' }).getObject(at)(client)()), {
    reason: 'WrongKey'
  })
  const accepting = encrypted(rsa, { format: 'python', pkcs1v15: true })
  t.ok(right(await readBytes(accepting.getObject(at))(client)()).equals(plaintextOf(vector)))
})

/** Made once: a pair takes 0.3 s of CPU. */
const other = right(rsaKey({ privateKey: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey }))

t.test('a wrong RSA key is WrongKey; a wrong AES key is not noticed in the Python format', async (t) => {
  const client = (await startCos(t)).client()
  for (const id of ['rsa-17b', 'java-rsa-gcm', 'java-rsa-ctr', 'jce-rsa-cbc']) {
    const vector = vectorById(id)
    await store(client, await ciphertextOf(vector), vector.metadata)
    for (const pkcs1v15 of [false, true]) {
      const vault = encrypted(other, { ...everything, pkcs1v15 })
      const error = encryptionErrorOf(await vault.getObject(at)(client)())
      t.match(error, { reason: 'WrongKey', keyId: O.some(other.id) }, id)
    }
  }
  for (const id of ['java-aes-ctr', 'jce-aes-cbc']) {
    const vector = vectorById(id)
    await store(client, await ciphertextOf(vector), vector.metadata)
    t.match(encryptionErrorOf(await encrypted(wrongAes, everything).getObject(at)(client)()), {
      reason: 'WrongKey'
    })
  }
  const python = vectorById('aes-17b')
  await store(client, await ciphertextOf(python), python.metadata)
  // The bytes that the Python SDK returned with this key.
  t.equal(
    right(await readBytes(encrypted(wrongAes, everything).getObject(at))(client)()).toString('base64'),
    '9db7PLm9yxHbIIvtodwvSwY='
  )
})

t.test('a keyring decrypts with the right RSA key, and refuses to guess among AES keys', async (t) => {
  const client = (await startCos(t)).client()
  const vector = vectorById('rsa-17b')
  await store(client, await ciphertextOf(vector), vector.metadata)
  const ring = encrypted(keyring(other, aes, rsa), everything)
  t.ok(right(await readBytes(ring.getObject(at))(client)()).equals(plaintextOf(vector)))
  const onlyPublic = right(rsaKey({ publicKey: vectorKeyText('rsa2048-a.public.spki.pem') }))
  for (const keys of [onlyPublic, aes])
    t.match(encryptionErrorOf(await encrypted(keys, everything).getObject(at)(client)()), { reason: 'NoKey' })

  const python = vectorById('aes-17b')
  await store(client, await ciphertextOf(python), python.metadata)
  t.match(encryptionErrorOf(await encrypted(keyring(wrongAes, aes), everything).getObject(at)(client)()), {
    reason: 'NoKey',
    problem: /2 AES keys/
  })
  t.match(encryptionErrorOf(await encrypted(rsa, everything).getObject(at)(client)()), { reason: 'NoKey' })
})

t.test('destroying the body closes the connection, and verified is Unread', async (t) => {
  const client = (await startCos(t)).client()
  const vector = vectorById('aes-100k')
  await store(client, await ciphertextOf(vector), vector.metadata)
  const got = right(await encrypted(aes, everything).getObject(at)(client)())
  got.body.destroy()
  t.match(right(await got.verified()), { _tag: 'Unverifiable', reason: 'Unread' })
})

t.test('parameters that change the ciphertext are refused before anything is sent', async (t) => {
  const cos = await startCos(t)
  const vault = encrypted(aes, everything)
  for (const [input, field] of [
    [{ ...at, acceptEncoding: 'gzip' }, 'acceptEncoding'],
    [{ ...at, headers: { Range: 'bytes=0-1' } }, 'headers.Range'],
    [{ ...at, headers: { 'Accept-Encoding': 'gzip' } }, 'headers.Accept-Encoding'],
    [{ bucket: 'x', key: 'a' }, 'bucket']
  ] as const)
    t.match(left(await vault.getObject(input as never)(cos.client())()), { _tag: 'InvalidInput', field })
  t.same(cos.operations(), [])
})

t.test('errors of the operation pass unchanged', async (t) => {
  const client = (await startCos(t)).client()
  t.match(left(await encrypted(aes, everything).getObject(at)(client)()), {
    _tag: 'ServiceError',
    status: 404
  })
  const mapped = await pipe(
    encrypted(aes, everything).getObject({ ...at, key: '' }),
    RTE.map(() => 'none')
  )(client)()
  t.match(left(mapped), { _tag: 'InvalidInput', field: 'key' })
})
