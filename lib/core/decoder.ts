/** Decoders: from a response to a value. A decoder owns the body: each one here reads it to the end or destroys it. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as T from 'fp-ts/lib/Task.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { fromUnknown, type CosError } from './error.js'
import { KiB } from './limits.js'
import type { Response } from './response.js'
import { tryTask } from './try-task.js'

export type Decoder<A> = (response: Response) => TE.TaskEither<CosError, A>

export const map =
  <A, B>(f: (a: A) => B) =>
  (decode: Decoder<A>): Decoder<B> =>
  (response) =>
    TE.map(f)(decode(response))

/** Maps the decoded value to another, or to an error. */
export const chainEither =
  <A, B>(f: (a: A, response: Response) => E.Either<CosError, B>) =>
  (decode: Decoder<A>): Decoder<B> =>
  (response) =>
    TE.chainEitherK((a: A) => f(a, response))(decode(response))

const requestIdOf = (response: Response): string => response.headers['x-cos-request-id'] ?? ''

export const decodeError = (response: Response, problems: ReadonlyArray<string>): CosError => ({
  _tag: 'DecodeError',
  context: response.context,
  status: response.status,
  problems,
  requestId: requestIdOf(response)
})

// -- bodies --
const drainLimit = 64 * KiB

/** Discards the rest of a body. Closes the connection if reading more than 64 KiB would be needed to keep it. */
export const drain = (response: Response): TE.TaskEither<CosError, void> =>
  response.isEmpty === true
    ? TE.right(undefined)
    : tryTask(
        async () => {
          let seen = 0
          for await (const chunk of chunksOf(response)) {
            seen += chunk.length
            if (seen > drainLimit) break
          }
        },
        fromUnknown(response.context, response.host)
      )

/** The chunks of a body, which are bytes. */
export async function* chunksOf(response: Response): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of response.body) {
    if (chunk instanceof Uint8Array) yield chunk
    else throw new TypeError('a chunk of the response body is not bytes')
  }
}

export interface PartialBody {
  readonly bytes: Uint8Array
  /** The error that ended the body early. */
  readonly error: O.Option<CosError>
}

const noBody: PartialBody = { bytes: new Uint8Array(), error: O.none }

/** Reads a body up to its limit, its end, or its failure. */
export const readPartially =
  (limit: number) =>
  (response: Response): T.Task<PartialBody> =>
  async () => {
    if (response.isEmpty === true) return noBody
    const chunks: Array<Uint8Array> = []
    let error: O.Option<CosError> = O.none
    try {
      let size = 0
      for await (const chunk of chunksOf(response)) {
        chunks.push(chunk)
        size += chunk.length
        if (size > limit) break
      }
    } catch (thrown) {
      error = O.some(fromUnknown(response.context, response.host)(thrown))
    }
    return { bytes: Buffer.concat(chunks).subarray(0, limit), error }
  }

/** Reads a small body. The bytes beyond `limit` are cut off. */
export const readBytes =
  (limit: number): Decoder<Uint8Array> =>
  (response) =>
    pipe(
      readPartially(limit)(response),
      T.map(({ bytes, error }) => (O.isSome(error) ? E.left(error.value) : E.right(bytes)))
    )
