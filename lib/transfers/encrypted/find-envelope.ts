/** Finds the encryption metadata of an object: in its headers, or in an instruction file beside it. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import {
  encryptionError,
  hasStatus,
  type Context,
  type CosError,
  type EncryptionProblem
} from '../../core/error.js'
import { KiB } from '../../core/limits.js'
import { refOf, type ObjectRef } from '../../core/request.js'
import { send, type CosEffect } from '../../client/send.js'
import { readEnvelope, sealedEnvelope, type Envelope } from '../../encryption/envelope.js'
import { readInstructionFile } from '../../encryption/foreign-envelope.js'
import { encryptionProblem } from '../../encryption/problem.js'
import { isSealed, readObjectHeader } from '../../encryption/sealed-header.js'
import { getObject } from '../../operations/get-object.js'
import { toText } from '../download/to-buffer.js'
import type { Config, ReadFormat } from './options.js'
import { readFront, type VersionRef } from './read-front.js'

const instructionLimit = 64 * KiB

/** Context of an object whose metadata were read, and those metadata. */
export interface FoundObject {
  readonly context: Context
  readonly headers: Readonly<Record<string, string>>
  readonly etag: string
}

/** The format under which an object is accepted, and its envelope; none for a plain object. */
export interface AcceptedObject {
  readonly format: ReadFormat
  readonly envelope: O.Option<Envelope>
}

const toCosError =
  (context: Context) =>
  <A>(result: E.Either<EncryptionProblem, A>): E.Either<CosError, A> =>
    E.mapLeft(encryptionError(context))(result)

/** None if there is no such file. */
const instructionFileOf = (ref: ObjectRef, context: Context): CosEffect<O.Option<Envelope>> => {
  const file = getObject({ ...refOf(ref), key: `${ref.key}.instruction` })
  return (client) =>
    pipe(
      client,
      pipe(send(file), RTE.chain(toText(instructionLimit))),
      TE.map(O.some),
      TE.orElse((error) => (hasStatus(404)(error) ? TE.right(O.none) : TE.left(error))),
      TE.chainEitherK((text) =>
        toCosError(context)(pipe(text, O.map(readInstructionFile), O.sequence(E.Applicative)))
      )
    )
}

/** A copy that replaced the metadata keeps the header at the start of the object. */
const sealedHeaderOf = (ref: VersionRef, { context, etag }: FoundObject): CosEffect<O.Option<Envelope>> =>
  pipe(
    readFront(ref, etag),
    RTE.map(O.filter(isSealed)),
    RTE.chainEitherK((bytes) =>
      toCosError(context)(
        pipe(
          bytes,
          O.map((found) => pipe(readObjectHeader(found), E.map(sealedEnvelope))),
          O.sequence(E.Applicative)
        )
      )
    )
  )

const orElse =
  (isWanted: boolean, find: () => CosEffect<O.Option<Envelope>>) =>
  (found: O.Option<Envelope>): CosEffect<O.Option<Envelope>> =>
    O.isNone(found) && isWanted ? find() : RTE.right(found)

const accept =
  ({ accepts }: Config) =>
  (envelope: O.Option<Envelope>): E.Either<EncryptionProblem, AcceptedObject> => {
    const formats: ReadonlyArray<ReadFormat> = O.isNone(envelope) ? ['plain'] : envelope.value.formats
    const format = formats.find((each) => accepts.has(each))
    if (format !== undefined) return E.right({ format, envelope })
    return E.left(
      O.isNone(envelope)
        ? encryptionProblem('NotEncrypted', 'the object has no encryption metadata')
        : encryptionProblem(
            'NotAccepted',
            `the object has the format ${formats.join(' or ')}, which accepts does not list`
          )
    )
  }

/**
 * Finds the envelope of an object and checks that the caller accepts its format.
 *
 * @errors `EncryptionError` with reason `NotEncrypted`, `NotAccepted`, `BadEnvelope` or `Unsupported`; those of reading the
 *         instruction file
 */
export const findEnvelope = (
  config: Config,
  ref: VersionRef,
  object: FoundObject
): CosEffect<AcceptedObject> =>
  pipe(
    RTE.fromEither(toCosError(object.context)(readEnvelope(object.headers))),
    RTE.chain(orElse(config.instructionFiles, () => instructionFileOf(ref, object.context))),
    RTE.chain(orElse(config.accepts.has('sealed'), () => sealedHeaderOf(ref, object))),
    RTE.chainEitherK((envelope) => toCosError(object.context)(accept(config)(envelope)))
  )
