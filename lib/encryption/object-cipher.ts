/** The encryption of one new object, in each format that is written. */
import { flow, pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { EncryptionProblem } from '../core/error.js'
import { ioChunkSize } from '../core/limits.js'
import type { ObjectRef } from '../core/request.js'
import { copyBlocks, cutBlocks } from './blocks.js'
import { applyCtr, applyCtrInPlace } from './ctr.js'
import type { DataKey } from './data-key.js'
import { createPythonDataKey } from './python-key.js'
import { sealedMetadata } from './envelope.js'
import { journalKey, type JournalKey } from './journal-key.js'
import type { MasterKey } from './master-key.js'
import { encodeHeader, nameHash, type SealedHeader } from './sealed-header.js'
import { deriveKeys } from './sealed-key.js'
import { plainSizeIn, sealPart, sealedPartSize, type SealedPart } from './sealed-object.js'
import { segmentSize } from './sealed-segments.js'
import { wrapSealed } from './sealed-wrap.js'
import { keySize } from './wrapped-lengths.js'

/** A format that is written. */
export type WriteFormat = 'sealed' | 'python'

/** A part of an object; an object in one request is a part from 0 to the end. */
export type PartExtent = SealedPart

/** The place of plaintext in the ciphertext; the same for all objects of a format. */
export interface CipherLayout {
  /** Parts begin at multiples of this, and all but the last have a multiple of it, in bytes. */
  readonly unit: number
  /** The size of the ciphertext of a part, from that of its plaintext. */
  readonly storedSize: (part: PartExtent, size: number) => number
  /** The size of the plaintext of an object, from that of its ciphertext. */
  readonly plainSize: (stored: number) => number
}

/** A stage from plaintext to ciphertext. */
export type Encrypt = (plaintext: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>

export interface ObjectCipher extends CipherLayout {
  /** Metadata of the object, names without a prefix. */
  readonly metadata: Readonly<Record<string, string>>
  /**
   * Encrypts the bytes of a part, or of a whole object. It is pure: bytes that are encrypted again have the same ciphertext.
   * A chunk is valid until the next read; the source may reuse its memory too.
   */
  readonly encrypt: (part: PartExtent) => Encrypt
  /**
   * Encrypts the body of a request in blocks of 256 KiB, which the socket may keep. The same bytes have the same blocks: they
   * can be compared before they are sent again.
   */
  readonly encryptInBlocks: (part: PartExtent) => Encrypt
  /** For the journal of an upload. */
  readonly journal: JournalKey
}

export interface CipherOptions {
  readonly format: WriteFormat
  /** Binds a sealed object to the name of its bucket and its key. */
  readonly bindsName: boolean
}

type Random = (size: number) => Uint8Array

const ctrBlock = 16

export const layouts: Readonly<Record<WriteFormat, CipherLayout>> = {
  sealed: { unit: segmentSize, storedSize: sealedPartSize, plainSize: plainSizeIn },
  python: { unit: ctrBlock, storedSize: (_, size) => size, plainSize: (stored) => stored }
}

export const pythonCipher = (dataKey: DataKey, metadata: ObjectCipher['metadata']): ObjectCipher => ({
  ...layouts.python,
  metadata,
  encrypt: ({ offset }) => applyCtrInPlace(dataKey, offset),
  encryptInBlocks: ({ offset }) => flow(cutBlocks(ioChunkSize), applyCtr(dataKey, offset)),
  journal: journalKey(dataKey)
})

export const sealedCipher = (dataKey: DataKey, header: SealedHeader): ObjectCipher => ({
  ...layouts.sealed,
  metadata: sealedMetadata(encodeHeader(header)),
  encrypt: (part) => sealPart(header, dataKey, part),
  encryptInBlocks: (part) => flow(sealPart(header, dataKey, part), copyBlocks(ioChunkSize)),
  journal: journalKey(dataKey)
})

// -- new objects --
export type ObjectName = Pick<ObjectRef, 'bucket' | 'key'>

/** The name that a header is bound to. */
export const headerName = (ref: ObjectName, { bindsName }: CipherOptions): O.Option<Uint8Array> =>
  bindsName ? O.some(nameHash(ref)) : O.none

/** Draws 32 bytes of data key, 32 of salt, and for RSA a seed of 32. */
const createSealedCipher = (
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
      return sealedCipher(dataKey, { wrap, salt, keyId: master.id, name, wrappedKey, commitment })
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
  ref: ObjectName,
  options: CipherOptions,
  random: Random
): TE.TaskEither<EncryptionProblem, ObjectCipher> =>
  options.format === 'python'
    ? pipe(
        TE.fromEither(createPythonDataKey(master, random)),
        TE.map(({ dataKey, metadata }) => pythonCipher(dataKey, metadata))
      )
    : createSealedCipher(master, headerName(ref, options), random)
