/** HEAD Object of an encrypted object: sizes and metadata of the plaintext. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import { encryptionError, type CosError, type EncryptionProblem } from '../../core/error.js'
import { contextOf } from '../../core/operation.js'
import { send, type CosEffect } from '../../client/send.js'
import type { Envelope } from '../../encryption/envelope.js'
import { userMetadata } from '../../encryption/metadata-names.js'
import { plainSizeOf } from '../../encryption/extent.js'
import { openedSizeOf } from '../../encryption/sealed-object.js'
import { headObject, type HeadObjectInput, type ObjectHead } from '../../operations/head-object.js'
import { findEnvelope } from './find-envelope.js'
import { checkInput, type Config, type ReadFormat } from './options.js'

export interface EncryptedHead extends Omit<ObjectHead, 'size'> {
  /** Of the plaintext, in bytes; none for CBC, whose padding is known only after decryption, unless the metadata have it. */
  readonly size: O.Option<number>
  /** Of the ciphertext, in bytes. */
  readonly storedSize: number
  readonly format: ReadFormat
  /** Of the master key, if the object names it. */
  readonly keyId: O.Option<string>
}

const action = 'HeadObject'

const plainSize = (envelope: Envelope, stored: number): E.Either<EncryptionProblem, O.Option<number>> =>
  envelope.cipher === 'sealed' ? pipe(openedSizeOf(stored), E.map(O.some)) : plainSizeOf(envelope, stored)

const toHead =
  (config: Config, input: HeadObjectInput) =>
  (head: ObjectHead): CosEffect<EncryptedHead> => {
    const context = contextOf(action, input)
    return pipe(
      findEnvelope(config, input, { context, headers: head.headers, etag: head.etag }),
      RTE.chainEitherK(({ format, envelope }) =>
        pipe(
          O.isNone(envelope) ? E.right(O.some(head.size)) : plainSize(envelope.value, head.size),
          E.mapLeft(encryptionError(context)),
          E.map((size) => ({
            ...head,
            metadata: userMetadata(head.metadata),
            size,
            storedSize: head.size,
            format,
            keyId: O.chain((found: { readonly keyId: O.Option<string> }) => found.keyId)(envelope)
          }))
        )
      )
    )
  }

/** `headObject` of `encrypted`. The data key is not decrypted: a wrong master key is not noticed. */
export const headEncrypted =
  (config: E.Either<CosError, Config>) =>
  (input: HeadObjectInput): CosEffect<EncryptedHead> =>
    pipe(
      RTE.fromEither(config),
      RTE.chainFirstEitherK((): E.Either<CosError, void> => checkInput(action, input)),
      RTE.chain((valid) => pipe(send(headObject(input)), RTE.chain(toHead(valid, input))))
    )
