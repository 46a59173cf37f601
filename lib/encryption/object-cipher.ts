/** The encryption of one new object, in each format that is written. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { EncryptionProblem } from '../core/error.js'
import { ioChunkSize } from '../core/limits.js'
import type { ObjectRef } from '../core/request.js'
import { cutBlocks } from './blocks.js'
import { applyCtr } from './ctr.js'
import { createPythonDataKey } from './data-key.js'
import { sealedMetadata } from './envelope.js'
import type { MasterKey } from './master-key.js'
import { encodeHeader, nameHash } from './sealed-header.js'
import { deriveKeys } from './sealed-key.js'
import { sealPart, sealedPartSize, type SealedPart } from './sealed-object.js'
import { segmentSize } from './sealed-segments.js'
import { wrapSealed } from './sealed-wrap.js'
import { keySize } from './wrapped-lengths.js'

/** A format that is written. */
export type WriteFormat = 'sealed' | 'python'

/** A part of an object; an object in one request is a part from 0 to the end. */
export type PartExtent = SealedPart

export interface ObjectCipher {
  /** Metadata of the object, names without a prefix. */
  readonly metadata: Readonly<Record<string, string>>
  /** Parts begin at multiples of this, and all but the last have a multiple of it, in bytes. */
  readonly unit: number
  /** Encrypts the bytes of a part. It is pure: a part that is encrypted again has the same ciphertext, in the same chunks. */
  readonly encrypt: (part: PartExtent) => (plaintext: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>
  /** The size of the ciphertext of a part, from that of its plaintext. */
  readonly storedSize: (part: PartExtent, size: number) => number
}

export interface CipherOptions {
  readonly format: WriteFormat
  /** Binds a sealed object to the name of its bucket and its key. */
  readonly bindsName: boolean
}

type Random = (size: number) => Uint8Array

const ctrBlock = 16

const pythonCipher = (master: MasterKey, random: Random): E.Either<EncryptionProblem, ObjectCipher> =>
  pipe(
    createPythonDataKey(master, random),
    E.map(({ dataKey, metadata }) => ({
      metadata,
      unit: ctrBlock,
      // Blocks: the ciphertext of a retry is compared chunk by chunk.
      encrypt:
        ({ offset }) =>
        (plaintext) =>
          applyCtr(dataKey, offset)(cutBlocks(ioChunkSize)(plaintext)),
      storedSize: (_, size) => size
    }))
  )

/** Draws 32 bytes of data key, 32 of salt, and for RSA a seed of 32. */
const sealedCipher = (
  master: MasterKey,
  name: O.Option<Uint8Array>,
  random: Random
): TE.TaskEither<EncryptionProblem, ObjectCipher> => {
  const secret = random(keySize)
  const salt = random(32)
  return pipe(
    wrapSealed(master, secret, random),
    TE.map(({ wrap, wrappedKey }) => {
      const { dataKey, commitment } = deriveKeys(secret, { salt, name })
      const header = { wrap, salt, keyId: master.id, name, wrappedKey, commitment }
      return {
        metadata: sealedMetadata(encodeHeader(header)),
        unit: segmentSize,
        encrypt: (part) => sealPart(header, dataKey, part),
        storedSize: sealedPartSize
      }
    })
  )
}

/**
 * Draws the data key of a new object and wraps it. Each object needs its own: two plaintexts under one data key reveal
 * their difference, and with GCM the key of its authentication.
 *
 * @errors `Unsupported` if the format has no wrap for the key; `Kms`
 */
export const createObjectCipher = (
  master: MasterKey,
  ref: Pick<ObjectRef, 'bucket' | 'key'>,
  { format, bindsName }: CipherOptions,
  random: Random
): TE.TaskEither<EncryptionProblem, ObjectCipher> =>
  format === 'python'
    ? TE.fromEither(pythonCipher(master, random))
    : sealedCipher(master, bindsName ? O.some(nameHash(ref)) : O.none, random)
