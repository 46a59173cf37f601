/** The seam between uploads and client-side encryption: an upload has an encryption or none. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { Crc64Run } from '../../core/crc64.js'
import { invalidInput, type Context, type CosError } from '../../core/error.js'
import type { ObjectRef } from '../../core/request.js'
import type { Client } from '../../client/client.js'
import type { CosEffect } from '../../client/send.js'
import type { CipherLayout, ObjectCipher, PartExtent } from '../../encryption/object-cipher.js'
import type { ObjectHead } from '../../operations/head-object.js'
import type { WithCustomerKey } from '../../operations/parameters/encryption.js'
import type { MemoryBudget } from '../../stages/memory-budget.js'
import type { UploadOptions } from './options.js'

/** Makes the cipher of each object that an upload writes. */
export interface UploadEncryption extends CipherLayout {
  /** For the parts of files, unless the client has a limit. The files of a directory share it. */
  readonly memory: MemoryBudget
  /** Draws a data key: once for each object, and once more if an upload is restarted. */
  readonly create: (ref: ObjectRef, context: Context) => CosEffect<ObjectCipher>
  /** Whether an object with these headers has the format that this encryption writes. */
  readonly hasFormat: (headers: Readonly<Record<string, string>>) => boolean
  /** The cipher of an object that was started, from its metadata; none if it is not one that this encryption would write. */
  readonly restore: (
    ref: ObjectRef,
    context: Context,
    metadata: ObjectCipher['metadata']
  ) => TE.TaskEither<CosError, O.Option<ObjectCipher>>
  /**
   * The CRC64 that an object has if only the wrapping of its data key was changed since it was written, from that of the bytes
   * which `restore` writes. None if COS does not show the bytes that were changed.
   */
  readonly storedCrc64: (
    ref: ObjectRef & WithCustomerKey,
    head: ObjectHead,
    written: Crc64Run
  ) => CosEffect<O.Option<bigint>>
}

/** None: the bytes are sent as they are. */
export type WithUploadEncryption = O.Option<UploadEncryption>

export const wholeObject: PartExtent = { offset: 0, last: true }

export const createCipher = (
  encryption: WithUploadEncryption,
  client: Client,
  context: Context,
  ref: ObjectRef
): TE.TaskEither<CosError, O.Option<ObjectCipher>> =>
  O.isNone(encryption)
    ? TE.right(O.none)
    : pipe(encryption.value.create(ref, context)(client), TE.map(O.some))

/** The options with the metadata of the encryption. */
export const withMetadata =
  (cipher: O.Option<ObjectCipher>) =>
  <I extends UploadOptions>(input: I): I =>
    O.isNone(cipher) ? input : { ...input, metadata: { ...input.metadata, ...cipher.value.metadata } }

/** The bytes that are sent for `size` bytes of the source. */
export const storedSize = (layout: O.Option<CipherLayout>, extent: PartExtent, size: number): number =>
  O.isNone(layout) ? size : layout.value.storedSize(extent, size)

/**
 * Checks that parts of this size can be encrypted.
 *
 * @errors `InvalidInput` of `partSize`
 */
export const checkPartSize = (
  encryption: WithUploadEncryption,
  context: Context,
  partSize: number
): E.Either<CosError, void> => {
  if (O.isNone(encryption) || partSize % encryption.value.unit === 0) return E.right(undefined)
  const message = `must be a multiple of ${String(encryption.value.unit)} bytes`
  return E.left(
    invalidInput(context, { field: 'partSize', problem: 'invalid', message, received: String(partSize) })
  )
}
