/** The recorded objects of the Python and Java SDKs, their keys, and a bucket for them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as t from 'io-ts'
import type { Client } from '../../lib/client/client.js'
import { send, type CosEffect } from '../../lib/client/send.js'
import type { CosError, EncryptionError } from '../../lib/core/error.js'
import { aesKey } from '../../lib/encryption/aes-key.js'
import type { MasterKey } from '../../lib/encryption/master-key.js'
import { rsaKey } from '../../lib/encryption/rsa-key.js'
import { putObject } from '../../lib/operations/put-object.js'
import { toBuffer, type ReadableResponse } from '../../lib/transfers/download/to-buffer.js'
import { bucket } from './cos.js'
import { left, right } from './server.js'
import { top } from './top.js'
import { vectors } from './vectors.js'

export const vectorKeyFile = (name: string): string => join(top, 'spec/vectors/client-encryption-keys', name)

export const vectorKeyText = (name: string): string => readFileSync(vectorKeyFile(name), 'utf8')

// -- master keys --
const aesOf = (secret: Uint8Array): MasterKey => right(aesKey(secret, { legacyLength: true }))

export const aes = aesOf(Uint8Array.from({ length: 32 }, (_, n) => n))
export const wrongAes = aesOf(Uint8Array.from({ length: 32 }, (_, n) => (n === 0 ? 255 : n)))
export const rsa = right(
  rsaKey({
    publicKey: vectorKeyText('rsa2048-a.public.spki.pem'),
    privateKey: vectorKeyText('rsa2048-a.private.pkcs8.pem')
  })
)
export const masterKeys: Readonly<Record<string, MasterKey>> = {
  'aes256-a': aes,
  'aes256-a-wrong': wrongAes,
  'aes128-a': aesOf(Buffer.from('93fe43d6846e1125a157a7335e6f1973', 'hex')),
  'rsa2048-a': rsa
}

// -- vectors --
const Plaintext = t.union([
  t.type({ kind: t.literal('base64'), data: t.string }),
  t.type({ kind: t.literal('pattern'), seed: t.number, length: t.number })
])

const Encrypted = t.intersection([
  t.type({
    id: t.string,
    masterKey: t.string,
    dataKeyHex: t.string,
    dataIvHex: t.string,
    plaintext: t.intersection([Plaintext, t.type({ length: t.number, sha256: t.string })]),
    ciphertext: t.intersection([
      t.type({ length: t.number, sha256: t.string }),
      t.partial({ base64: t.string, md5: t.string, crc64ecma: t.string })
    ]),
    metadata: t.record(t.string, t.string)
  }),
  t.partial({
    kind: t.string,
    wrap: t.string,
    wrapRandomness: t.array(t.string),
    parts: t.array(t.type({ partNumber: t.number, offset: t.number, length: t.number, md5: t.string })),
    instructionObject: t.type({ keySuffix: t.string, body: t.string })
  })
])
export type EncryptedVector = t.TypeOf<typeof Encrypted>

const RangedGet = t.type({
  kind: t.literal('ranged-get'),
  object: t.string,
  cases: t.array(
    t.type({
      requested: t.string,
      counterBlockHex: t.string,
      plaintextLength: t.number,
      plaintextSha256: t.string
    })
  )
})
export type RangedGetVector = t.TypeOf<typeof RangedGet>

const File = t.type({ vectors: t.array(t.unknown) })

const read = <A>(file: string, codec: t.Decoder<unknown, A>): ReadonlyArray<A> =>
  vectors(file, File).vectors.flatMap((entry) => {
    const decoded = codec.decode(entry)
    return E.isRight(decoded) ? [decoded.right] : []
  })

export const pythonVectors = (): ReadonlyArray<EncryptedVector> => read('client-encryption.json', Encrypted)
export const rangedGetVectors = (): ReadonlyArray<RangedGetVector> =>
  read('client-encryption.json', RangedGet)
export const javaVectors = (): ReadonlyArray<EncryptedVector> => [
  ...read('client-encryption-java.json', Encrypted),
  ...read('client-encryption-java-cbc.json', Encrypted)
]

/** Byte i is (31 i + 17 floor(i / 256) + 7 floor(i / 65536) + seed) mod 256. */
export const patternBytes = (seed: number, length: number): Buffer => {
  const out = Buffer.allocUnsafe(length)
  for (let n = 0; n < length; n += 1) out[n] = 31 * n + 17 * (n >>> 8) + 7 * (n >>> 16) + seed
  return out
}

export const plaintextOf = ({ plaintext }: EncryptedVector): Buffer =>
  plaintext.kind === 'base64'
    ? Buffer.from(plaintext.data, 'base64')
    : patternBytes(plaintext.seed, plaintext.length)

// -- a bucket --
export const at = { bucket, key: 'secret.bin' }

/** Stores a ciphertext with the headers of its metadata, as another SDK did. */
export const store = async (
  client: Client,
  ciphertext: Uint8Array,
  headers: Readonly<Record<string, string>>,
  key = at.key
): Promise<void> => {
  right(await send(putObject({ bucket, key, body: ciphertext, headers }))(client)())
}

const limit = 128 * 1024 * 1024

export const readBytes = <A extends ReadableResponse>(get: CosEffect<A>): CosEffect<Buffer> =>
  pipe(get, RTE.chain(toBuffer(limit)))

export const encryptionErrorOf = (result: E.Either<CosError, unknown>): EncryptionError => {
  const error = left(result)
  if (error._tag !== 'EncryptionError') throw new Error(`an EncryptionError was due`, { cause: error })
  return error
}

/** Returns these bytes one after the other, as `client.random` does. */
export const scriptedRandom = (...values: ReadonlyArray<Uint8Array>): ((size: number) => Uint8Array) => {
  const rest = [...values]
  return (size) => {
    const next = rest.shift()
    if (next?.length !== size) throw new Error(`${String(size)} random bytes were not expected`)
    return next
  }
}
