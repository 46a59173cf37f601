/** Checks the bytes of a source: that they are bytes, and as many as announced. */
import { isUint8Array } from 'node:util/types'
import { CosException, type Context } from '../core/error.js'

export interface SourceExpectation {
  /** The call that the bytes belong to, for errors. */
  readonly context: Context
  /** In bytes, if known; the source must have exactly this length. */
  readonly length?: number
}

export interface SourceCheck {
  /** Counts a chunk before it is used. */
  readonly add: (chunk: Uint8Array) => void
  readonly end: () => void
}

/**
 * Starts the check of one source. Text is refused: it has no bytes without an encoding.
 *
 * @errors `CosException` of a `SourceError` if a chunk is not bytes, if there are more bytes than announced, or, at the end,
 *         fewer
 */
export const startSourceCheck = ({ context, length }: SourceExpectation): SourceCheck => {
  let size = 0
  const fail = (problem: string): never => {
    throw new CosException({ _tag: 'SourceError', context, cause: new Error(problem) })
  }
  return {
    add: (chunk) => {
      if (!isUint8Array(chunk)) return fail('a chunk is not bytes (encode text first)')
      size += chunk.length
      if (length !== undefined && size > length)
        fail(`more than the expected ${String(length)} bytes (length)`)
    },
    end: () => {
      if (length !== undefined && size < length)
        fail(`ended after ${String(size)} bytes, expected ${String(length)} (length)`)
    }
  }
}
