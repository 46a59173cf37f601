/** One call of an operation, and the type of the layers that send it. */
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { AttemptRecord, Context, CosError } from '../core/error.js'
import type { Request } from '../core/request.js'
import { noTimeout, type CallTimeout } from './call-timeout.js'

/** What the layers of one call share. */
export interface Call {
  /** For errors of the call as a whole; `attempts` counts the requests so far. */
  readonly context: () => Context
  /** Counts one more request, and returns the context of its errors. */
  readonly nextAttempt: () => Context
  /** Adds a request that has settled to the history of the call. */
  readonly record: (attempt: AttemptRecord) => void
  /** The error with the history of the call, if it sent more than one request. */
  readonly withHistory: (error: CosError) => CosError
  /**
   * Errors of the attempts before this one, oldest first. COS may have carried out their requests nevertheless. Requests
   * that COS refused for their clock or their token are not among them: COS did not carry those out.
   */
  readonly failures: ReadonlyArray<CosError>
  /** The timeout of the call as a whole. It ends the attempts too. */
  readonly callTimeout: CallTimeout
}

/**
 * Sends a request and reads the response. The layers around an attempt are functions `Send<A> -> Send<A>`: each sees the
 * error of the layer inside it, and may send again.
 */
export type Send<A> = (request: Request, call: Call) => TaskEither<CosError, A>

/**
 * `TE.orElse`, which makes six promises of each layer around a success. This one makes one: a success passes all layers
 * of a call in a few turns.
 */
export const recover =
  <A>(task: TaskEither<CosError, A>, onError: (error: CosError) => TaskEither<CosError, A>) =>
  async (): Promise<E.Either<CosError, A>> => {
    const result = await task()
    return E.isLeft(result) ? onError(result.left)() : result
  }

/** Starts a call: no request has been sent. */
export const createCall = (
  operation: string,
  { bucket, key }: Request,
  callTimeout: CallTimeout = noTimeout
): Call => {
  let attempts = 0
  const history: Array<AttemptRecord> = []
  const context = (): Context => ({ operation, bucket, key, attempts })
  return {
    context,
    nextAttempt: () => {
      attempts += 1
      return context()
    },
    record: (attempt) => void history.push(attempt),
    withHistory: (error) =>
      history.length > 1 ? { ...error, context: { ...error.context, history: [...history] } } : error,
    failures: [],
    callTimeout
  }
}
