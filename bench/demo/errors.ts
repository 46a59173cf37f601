/** The errors of the demo: those of cospipe, and its own. */
import { formatError as describeCos, type CosError } from '../../lib/index.js'

/** The downloaded data differ from the uploaded data. */
export interface Mismatch {
  readonly _tag: 'Mismatch'
  readonly key: string
  readonly what: 'SHA-256' | 'CRC64' | 'size' | 'listing'
  readonly sent: string
  readonly got: string
}

/** The demo cannot start. */
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
