/** After cutting and hashing: bytes -> cutting -> Part -> hashing -> HashedPart -> sending -> SentPart */
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { CosException, type CosError } from '../core/error.js'
import type { HashedPart } from './hash-parts.js'
import { mapConcurrent } from './map-concurrent.js'
import type { CancelableIterator } from './cancelable.js'

export interface SentPart<A> {
  readonly number: number
  /** Where it began in the whole, in bytes. */
  readonly offset: number
  /** In bytes. */
  readonly size: number
  /** Of the bytes we sent, unsigned. */
  readonly crc64: bigint
  /** What came back for it. */
  readonly answer: A
}

export interface SendPartsOptions {
  /** Parts in flight. One more is cut and hashed meanwhile. */
  readonly concurrency: number
  /** In the order of their numbers; otherwise as they are acknowledged. */
  readonly ordered?: boolean
  /** Stops the run when it fires, and is fired when it fails: give its signal to `cutting` too. */
  readonly controller?: AbortController
}

/** Sends one part. The part's memory is released when this settles, so nothing may keep its chunks. */
export type Upload<A> = (part: HashedPart, signal: AbortSignal) => TaskEither<CosError, A>

/**
 * Sends parts, several at a time, and releases their memory.
 *
 * @shape  one `SentPart` for each `HashedPart`, as they are acknowledged
 * @units  at most `concurrency + 1` parts are alive
 * @errors `CosException` with the first failure of `upload`, after its siblings were aborted and have settled; those of
 *         its source, untouched
 * @source https://cloud.tencent.com/document/product/436/7750
 */
export const sendParts =
  <A>(options: SendPartsOptions, upload: Upload<A>) =>
  (parts: AsyncIterable<HashedPart>): CancelableIterator<SentPart<A>> =>
    mapConcurrent<HashedPart>({ ...options, discard: (part) => part.release() })(
      async (part, signal): Promise<SentPart<A>> => {
        try {
          const answer = await upload(part, signal)()
          if (E.isLeft(answer)) throw new CosException(answer.left)
          const { number, offset, size, crc64 } = part
          return { number, offset, size, crc64, answer: answer.right }
        } finally {
          part.release()
        }
      }
    )(parts)
