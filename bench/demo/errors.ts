/** What can go wrong in the demo: all that can in cospipe, and what the demo itself finds. */
import { formatError as describeCos, type CosError } from '../../lib/index.js'

/** What came back is not what was sent. */
export interface Mismatch {
  readonly _tag: 'Mismatch'
  readonly key: string
  readonly what: 'SHA-256' | 'CRC64' | 'size' | 'listing'
  readonly sent: string
  readonly got: string
}

/** The demo cannot begin. */
export interface Unable {
  readonly _tag: 'Unable'
  readonly words: string
}

export type Problem = CosError | Mismatch | Unable

export const unable = (words: string): Unable => ({ _tag: 'Unable', words })

/** One line, without a secret in it. */
export const formatError = (problem: Problem): string => {
  switch (problem._tag) {
    case 'Mismatch':
      return `Mismatch of ${problem.key}: ${problem.what} was ${problem.sent}, is ${problem.got}`
    case 'Unable':
      return problem.words
    default:
      return describeCos(problem)
  }
}

export const mismatch = (key: string, what: Mismatch['what'], sent: unknown, got: unknown): Mismatch => ({
  _tag: 'Mismatch',
  key,
  what,
  sent: String(sent),
  got: String(got)
})
