/** Records in a stream of bytes: the fold that reads them, and its problems, the same for CSV and JSON. */
import type * as E from 'fp-ts/lib/Either.js'
import type * as T from 'fp-ts/lib/Task.js'
import { MiB } from './limits.js'

/** Why there is no next record. */
export interface RecordProblem {
  readonly _tag: 'TooLarge' | 'NotUtf8' | 'Malformed' | 'Incomplete'
  readonly message: string
}

/** Like `XmlFold` of core/xml; the end may take a turn of the event loop. */
export interface RecordFold<A> {
  /** Records that are complete before a problem are returned first; the next step returns the problem. */
  readonly step: (chunk: Uint8Array) => E.Either<RecordProblem, ReadonlyArray<A>>
  /** Ends the input. Like `step`, it returns the records before a problem first; the next call returns the problem. */
  readonly finish: T.Task<E.Either<RecordProblem, ReadonlyArray<A>>>
}

/** The longest record that COS reads or writes, in bytes. */
export const maxRecord = MiB

export const tooLarge = (limit: number): RecordProblem => ({
  _tag: 'TooLarge',
  message: `a record of more than ${String(limit)} bytes`
})

export const notUtf8: RecordProblem = { _tag: 'NotUtf8', message: 'a record is not UTF-8' }
