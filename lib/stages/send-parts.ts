/** The last stage of an upload: bytes -> cutParts -> Part -> hashParts -> HashedPart -> sendParts -> SentPart */
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { CosException, type CosError } from '../core/error.js'
import type { Part } from './cut-parts.js'
import type { HashedPart } from './hash-parts.js'
import { mapConcurrent } from './map-concurrent.js'
import type { CancelableIterator } from './cancelable.js'

/** A part without its bytes, and the result of `upload`. */
export type SentPart<A, P extends Part = HashedPart> = Omit<P, 'chunks' | 'release'> & {
  readonly response: A
}

export interface SendPartsOptions {
  /** Parts in flight. One more is cut and hashed meanwhile. A function is called before each part. */
  readonly concurrency: number | (() => number)
  /** Whether results have the order of the parts. Default: false, the order in which they are acknowledged. */
  readonly ordered?: boolean
  /** Ends the run when it aborts. The run aborts it on a failure, so pass its signal to `cutParts` too. */
  readonly controller?: AbortController
}

/** Sends one part. The memory of the part is released when the task settles: do not keep its chunks. */
export type Upload<A, P extends Part = HashedPart> = (part: P, signal: AbortSignal) => TaskEither<CosError, A>

/**
 * Sends parts, several at a time, and releases their memory.
 *
 * @shape  one `SentPart` for each part, as they are acknowledged; any parts of `cutParts`, hashed or not
 * @units  at most `concurrency + 1` parts are alive
 * @errors `CosException` of the first failure of `upload`, after the other uploads were aborted and have settled; those of
 *         its source, unchanged
 * @source https://cloud.tencent.com/document/product/436/7750
 */
export const sendParts =
  <A, P extends Part = HashedPart>(options: SendPartsOptions, upload: Upload<A, P>) =>
  (parts: AsyncIterable<P>): CancelableIterator<SentPart<A, P>> =>
    mapConcurrent<P>({ ...options, discard: (part) => part.release() })(
      async (part, signal): Promise<SentPart<A, P>> => {
        try {
          const response = await upload(part, signal)()
          if (E.isLeft(response)) throw new CosException(response.left)
          const { chunks: _chunks, release: _release, ...rest } = part
          return { ...rest, response: response.right }
        } finally {
          part.release()
        }
      }
    )(parts)
