/** GET Object of an encrypted object: the plaintext of the object or of a range. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { encryptionError, hasStatus, invalidInput, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import { contextOf } from '../../core/operation.js'
import { send, type CosEffect } from '../../client/send.js'
import { planDecryption, type DecryptPlan } from '../../encryption/decrypt.js'
import type { WantedRange } from '../../encryption/extent.js'
import { encryptionProblem } from '../../encryption/problem.js'
import { requestedRange } from '../../encryption/sealed-object.js'
import { getObject, type GetObjectInput, type GetObjectResult } from '../../operations/get-object.js'
import { toBuffer } from '../download/to-buffer.js'
import {
  beyondEnd,
  storedBytes,
  toDecrypted,
  toPlain,
  type DecryptedObject,
  type PlannedDecryption
} from './decrypted-object.js'
import { openObject, type OpenedObject } from './open-object.js'
import { checkInput, type Config } from './options.js'

/** `range` is one of the plaintext. */
export interface GetEncryptedInput extends Omit<GetObjectInput, 'acceptEncoding'> {
  /**
   * Reads the last segment of a sealed object too, before a range is returned: a cut end is then `Truncated`. It takes one more
   * request, unless the range has the end. Default: false, a range proves its own bytes alone.
   */
  readonly wholeEnd?: boolean
}

/** Without the option that the operation does not know. */
type ReadInput = Omit<GetEncryptedInput, 'wholeEnd'>

const action = 'GetObject'

const toPlan = (
  { envelope, unwrapped }: OpenedObject,
  input: ReadInput,
  response: GetObjectResult
): E.Either<CosError, DecryptPlan> =>
  pipe(
    planDecryption(
      envelope,
      unwrapped.dataKey,
      O.fromNullable(input.range),
      storedBytes(response),
      response.context
    ),
    E.mapLeft(encryptionError(response.context))
  )

/** The same version of the object, or an error. */
const requestSpan =
  (input: ReadInput, { etag }: GetObjectResult, range: WantedRange): CosEffect<GetObjectResult> =>
  (client) =>
    pipe(
      send(getObject({ ...input, range, ifMatch: etag }))(client),
      TE.mapLeft((error): CosError =>
        hasStatus(412)(error)
          ? { _tag: 'ObjectChanged', context: error.context, expected: etag, got: O.none }
          : error
      )
    )

const openWith =
  (opened: OpenedObject, input: ReadInput, wholeEnd = false) =>
  (response: GetObjectResult): CosEffect<DecryptedObject> =>
    pipe(
      RTE.fromEither(toPlan(opened, input, response)),
      RTE.chain((plan): CosEffect<DecryptedObject> => {
        if (plan._tag === 'Decrypt')
          return pipe(
            wholeEnd ? checkEnd(opened, input, response, plan) : RTE.right(undefined),
            RTE.map(() => toDecrypted(opened.format, opened.unwrapped.master, response, plan))
          )
        if (plan._tag === 'Beyond') return RTE.left(beyondEnd(response))
        response.body.destroy()
        return pipe(
          requestSpan(input, response, plan.span),
          RTE.chain(closeOnFailure(openWith(opened, input, wholeEnd)))
        )
      })
    )

/** A body that nobody will read keeps its connection. */
const closeOnFailure =
  (open: (response: GetObjectResult) => CosEffect<DecryptedObject>) =>
  (response: GetObjectResult): CosEffect<DecryptedObject> =>
  (client) =>
    pipe(
      open(response)(client),
      TE.mapLeft((error) => {
        response.body.destroy()
        return error
      })
    )

const openResponse =
  (config: Config, input: ReadInput, wholeEnd: boolean) =>
  (response: GetObjectResult): CosEffect<DecryptedObject> =>
    pipe(
      openObject(config, input, response),
      RTE.chain((opened): CosEffect<DecryptedObject> => {
        if (O.isSome(opened)) return openWith(opened.value, input, wholeEnd)(response)
        return wholeEnd ? RTE.left(encryptionError(response.context)(noEnd)) : RTE.right(toPlain(response))
      })
    )

/**
 * Requests a range as the first accepted format stores it. An object of another format may end before such a range, so that
 * the range of the plaintext is requested then.
 */
const request =
  ({ accepts }: Config, input: ReadInput): CosEffect<GetObjectResult> =>
  (client) => {
    const [presumed] = accepts
    const plain = send(getObject(input))
    if (input.range === undefined || presumed !== 'sealed' || E.isLeft(getObject(input).request))
      return plain(client)
    return pipe(
      send(getObject({ ...input, range: requestedRange(input.range) }))(client),
      TE.orElse((error) => (hasStatus(416)(error) ? plain(client) : TE.left(error)))
    )
  }

const checkWholeEnd = (input: ReadInput, wholeEnd: unknown): E.Either<CosError, unknown> =>
  pipe(
    In.check('wholeEnd', In.boolean)(wholeEnd ?? false),
    E.mapLeft((problem): CosError => invalidInput(contextOf(action, input), problem))
  )

const noEnd = encryptionProblem(
  'Unsupported',
  'wholeEnd needs a sealed object: no other format has an end to check'
)

/** Opens the last byte of the plaintext: the segment that has it is sealed with the mark of the end. */
const checkEnd = (
  opened: OpenedObject,
  input: ReadInput,
  response: GetObjectResult,
  plan: PlannedDecryption
): CosEffect<unknown> => {
  if (!plan.isAuthenticated) return RTE.left(encryptionError(response.context)(noEnd))
  if (plan.hasEnd) return RTE.right(undefined)
  const last = { suffix: 1 }
  return pipe(
    requestSpan(input, response, requestedRange(last)),
    RTE.chain(closeOnFailure(openWith(opened, { ...input, range: last }))),
    RTE.chain(toBuffer(1))
  )
}

/** `getObject` of `encrypted`: one request, or two if the range lies elsewhere in the ciphertext. */
export const getEncrypted =
  (config: E.Either<CosError, Config>) =>
  (given: GetEncryptedInput): CosEffect<DecryptedObject> => {
    // A copy: `null` of a caller without TypeScript is then an input without fields.
    const { wholeEnd, ...input } = { ...given }
    return pipe(
      RTE.fromEither(config),
      RTE.chainFirstEitherK((): E.Either<CosError, void> => checkInput(action, input)),
      RTE.chainFirstEitherK(() => checkWholeEnd(input, wholeEnd)),
      RTE.chain((valid) =>
        pipe(request(valid, input), RTE.chain(closeOnFailure(openResponse(valid, input, wholeEnd === true))))
      )
    )
  }
