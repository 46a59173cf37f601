/** An operation as a value: the request, and the decoder of the response. Nothing happens until it is sent. */
import type { Readable } from 'node:stream'
import { flow, pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type * as t from 'io-ts'
import { invalidInput, type Context, type InvalidInput, type ServiceError } from './error.js'
import * as D from './decoder.js'
import { rejectErrors } from './service-error.js'
import { fieldOf, firstProblem } from './input.js'
import { normalizesToEmpty } from './key.js'
import { conflict } from './problem.js'
import type { SentBody } from './response.js'
import { isStream } from './body.js'
import { redacted, withExtras, type BucketRef, type ObjectRef, type Request } from './request.js'

export type { Decoder } from './decoder.js'

export interface Operation<A> {
  /** COS's name for it, such as `HeadObject`. */
  readonly action: string
  /** The request to send; `Left` if the input is invalid. */
  readonly request: E.Either<InvalidInput, Request>
  readonly decode: D.Decoder<A>
  /** The stream in `body`, to be closed by `send` however the call ends, also if the input is invalid. */
  readonly source?: AsyncIterable<unknown>
  /** For a retry that COS refused, perhaps because an earlier attempt succeeded and its response was lost. */
  readonly confirm?: Confirm<A>
  /** For a response whose body is bytes of an object: reads a range of the same object, if the body breaks off. */
  readonly readAgain?: (etag: string, range: ByteRange) => Operation<RangeBody>
}

/** Bytes `first` to `last` of an object, both included. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

/** The bytes of a range, and the ETag of their object. */
export interface RangeBody {
  readonly etag: string
  /** The host that sends the bytes, for errors. */
  readonly host: string
  readonly body: Readable
}

/**
 * Returns the operation that checks whether an earlier attempt succeeded, such as a HEAD of the object that it wrote. The
 * result of that operation is the result of the call; none if the refusal stands. Returns none for refusals that an earlier
 * attempt cannot have caused.
 *
 * @shape `(refusal) -> Option<(body) -> Operation<Option<A>>>`; `body`: size and CRC64 of the body of the request
 */
export type Confirm<A> = (refusal: ServiceError) => O.Option<(body: SentBody) => Operation<O.Option<A>>>

type Input = BucketRef & Partial<Pick<ObjectRef, 'key' | 'allowPathLikeKey'>>

const textOf = (input: unknown, field: string): string => {
  const value = fieldOf(input, field)
  return typeof value === 'string' ? value : ''
}

const sourceOf = (input: unknown): Pick<Operation<unknown>, 'source'> => {
  const body = fieldOf(input, 'body')
  return isStream(body) ? { source: body } : {}
}

/** The context of a call that failed before anything was sent. Bucket and key are as given, not validated. */
export const contextOf = (action: string, input: unknown): Context => ({
  operation: action,
  bucket: textOf(input, 'bucket'),
  key: O.fromPredicate((key: string) => key !== '')(textOf(input, 'key')),
  attempts: 0
})

/** Validates an input: the decoded value, or an `InvalidInput` that names the field. */
export const validate =
  <I>(action: string, codec: t.Decoder<unknown, I>) =>
  (input: unknown): E.Either<InvalidInput, I> => {
    const result = codec.decode(input)
    return E.isRight(result)
      ? result
      : E.left(invalidInput(contextOf(action, input), firstProblem(result.left)))
  }

const checkPathLikeKey = <I extends Input>(action: string, input: I): E.Either<InvalidInput, I> =>
  input.key !== undefined && input.allowPathLikeKey !== true && normalizesToEmpty(input.key)
    ? E.left(
        invalidInput(
          contextOf(action, input),
          conflict(
            'key',
            `${JSON.stringify(input.key)} normalizes to an empty path and a proxy could address the bucket instead; set allowPathLikeKey: true to send it anyway`
          )
        )
      )
    : E.right(input)

const checkInput = <I extends Input>(
  action: string,
  codec: t.Decoder<unknown, I>,
  input: unknown
): E.Either<InvalidInput, I> => {
  const valid = validate(action, codec)(input)
  return E.isLeft(valid) ? valid : checkPathLikeKey(action, valid.right)
}

/**
 * Makes an operation whose decoder depends on the input.
 *
 * @shape `(input) -> Operation<A>`; the input is validated at once, and an invalid one is a `Left` inside the value
 */
export const operationWith =
  <I extends Input, A>(
    action: string,
    codec: t.Decoder<unknown, I>,
    request: (input: I) => Request,
    decode: (input: I) => D.Decoder<A>
  ): ((input: I) => Operation<A>) =>
  (input) => {
    const checked = checkInput(action, codec, input)
    return {
      action,
      request: E.isLeft(checked)
        ? checked
        : E.right(redacted(withExtras(checked.right)(request(checked.right)))),
      decode: E.isRight(checked) ? rejectErrors(decode(checked.right)) : () => TE.left(checked.left),
      ...sourceOf(input)
    }
  }

/** Makes an operation from its action, the codec of its input, its request and its decoder. */
export const operation = <I extends Input, A>(
  action: string,
  codec: t.Decoder<unknown, I>,
  request: (input: I) => Request,
  decode: D.Decoder<A>
): ((input: I) => Operation<A>) => operationWith(action, codec, request, () => decode)

/** Maps the result of an operation, without sending it. */
export const map =
  <A, B>(f: (a: A) => B) =>
  ({ confirm, ...op }: Operation<A>): Operation<B> => ({
    ...op,
    decode: D.map(f)(op.decode),
    ...(confirm === undefined
      ? {}
      : {
          confirm: flow(
            confirm,
            O.map((toConfirmation) => flow(toConfirmation, map(O.map(f))))
          )
        })
  })

/** Adds the operation that confirms an earlier attempt after a refused retry, to an operation without one. */
export const withConfirm =
  <A>(confirm: Confirm<A>) =>
  // Not `{ ...op, confirm }`: a new property behind a spread takes 2 us, before it none (Node 20).
  (op: Omit<Operation<A>, 'confirm'>): Operation<A> => ({ confirm, ...op })

/**
 * Treats a refused retry as the success of an earlier attempt whose response was lost. `codes` are the error codes that
 * report that the change was already made.
 */
export const recoverLostResponse =
  <A>(codes: ReadonlyArray<string>, toResult: (refusal: ServiceError) => A) =>
  (op: Operation<A>): Operation<A> => ({
    ...op,
    decode: (response) =>
      pipe(
        op.decode(response),
        TE.orElse((error) =>
          error._tag === 'ServiceError' && response.retried === true && codes.includes(error.code)
            ? TE.right(toResult(error))
            : TE.left(error)
        )
      )
  })
