/** Records in a stream of bytes: what reading them comes to, whatever they are written in. */
import type * as E from 'fp-ts/lib/Either.js'
import type * as T from 'fp-ts/lib/Task.js'
import { MiB } from './limits.js'

/** Why there is no next record. */
export interface RecordProblem {
  readonly _tag: 'TooLarge' | 'NotUtf8' | 'Malformed' | 'Incomplete'
  readonly words: string
}

/** The shape of core/xml's `Folding`; the end may take a turn of the event loop. */
export interface RecordFold<A> {
  /** What came whole before a mistake is given first; the mistake is the next step's. */
  readonly step: (chunk: Uint8Array) => E.Either<RecordProblem, ReadonlyArray<A>>
  /** Nothing more will come. As `step`, it gives first and complains when asked again. */
  readonly finish: T.Task<E.Either<RecordProblem, ReadonlyArray<A>>>
}

/** The longest record that COS reads or writes, in bytes. */
export const maxRecord = MiB

export const tooLarge = (limit: number): RecordProblem => ({
  _tag: 'TooLarge',
  words: `a record of more than ${String(limit)} bytes`
})

export const notUtf8: RecordProblem = { _tag: 'NotUtf8', words: 'a record is not UTF-8' }
