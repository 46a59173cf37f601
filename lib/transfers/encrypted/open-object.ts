/** Opens an encrypted object for reading: finds its envelope, and decrypts its data key. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { encryptionError, type EncryptionProblem } from '../../core/error.js'
import type { CosEffect } from '../../client/send.js'
import type { Envelope } from '../../encryption/envelope.js'
import { checkName } from '../../encryption/sealed-key.js'
import { unwrapSealed } from '../../encryption/sealed-wrap.js'
import { unwrapDataKey, type UnwrappedKey } from '../../encryption/unwrap.js'
import { findEnvelope, type FoundObject } from './find-envelope.js'
import type { Config, ReadFormat } from './options.js'
import type { VersionRef } from './read-front.js'

export interface OpenedObject {
  readonly format: ReadFormat
  readonly envelope: Envelope
  readonly unwrapped: UnwrappedKey
}

const unwrap = (
  config: Config,
  ref: VersionRef,
  envelope: Envelope
): TE.TaskEither<EncryptionProblem, UnwrappedKey> =>
  envelope.cipher === 'sealed'
    ? pipe(
        unwrapSealed(config.keys, envelope.header),
        TE.chainFirstEitherK(() => (config.bindsName ? checkName(envelope.header, ref) : E.right(undefined)))
      )
    : unwrapDataKey(config.keys, envelope, config)

/**
 * Finds the envelope of an object and decrypts its data key.
 *
 * @shape  none for an object without encryption, if `accepts` lists `'plain'`
 * @errors those of `findEnvelope`; `EncryptionError` with reason `NoKey`, `WrongKey`, `Kms`, `BadEnvelope` or `OtherName`
 */
export const openObject = (
  config: Config,
  ref: VersionRef,
  object: FoundObject
): CosEffect<O.Option<OpenedObject>> =>
  pipe(
    findEnvelope(config, ref, object),
    RTE.chain(({ format, envelope }): CosEffect<O.Option<OpenedObject>> => {
      if (O.isNone(envelope)) return RTE.right(O.none)
      return pipe(
        RTE.fromTaskEither(unwrap(config, ref, envelope.value)),
        RTE.bimap(encryptionError(object.context), (unwrapped) =>
          O.some({ format, envelope: envelope.value, unwrapped })
        )
      )
    })
  )
