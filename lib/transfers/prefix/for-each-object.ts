/** Runs one effect for each object of a prefix: the common part of `copyPrefix` and `movePrefix`. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import { CosException, invalidInput, type CosError } from '../../core/error.js'
import { contextOf } from '../../core/operation.js'
import { conflict } from '../../core/problem.js'
import { cursorAt, type ListingCursor } from '../../operations/responses/listing-cursor.js'
import type { CosEffect } from '../../client/send.js'
import { atSource, type CopyInput } from '../copy/options.js'
import { landsAmongSources, validatePrefix, objectInput, type PrefixInput } from './options.js'
import { streamObjectBatches, type ListedObject } from '../list/stream-objects.js'
import { failedStream, makeForEachRun, type EffectStream } from '../shared/effect-stream.js'
import { joinProgress } from '../shared/progress.js'
import { runEach } from '../shared/run-each.js'

/** Keys are as a listing returns them. */
export interface ObjectResult {
  /** Key of the source. */
  readonly key: string
  /** Key of the copy. */
  readonly to: string
  /** All objects up to here are done and reported: pass it as `cursor` to resume in another run. */
  readonly cursor: ListingCursor
}

export type NotCopied =
  /** The new key would be empty: the object `a/` itself, if the new prefix is empty. */
  { readonly _tag: 'Skipped' } | { readonly _tag: 'Failed'; readonly error: CosError }

interface LowWatermark {
  /**
   * Registers an object that starts after all earlier ones. Call the result when the object is done; it returns the cursor
   * up to which every object is done.
   */
  readonly start: (cursor: ListingCursor) => (settled: boolean) => ListingCursor
}

/** The cursor up to which all objects are done, while several are in progress and may finish in any order. */
const lowWatermark = (first: ListingCursor): LowWatermark => {
  const inProgress: Array<{ readonly cursor: ListingCursor; settled: boolean }> = []
  let watermark = first
  return {
    start: (cursor) => {
      const entry = { cursor, settled: false }
      inProgress.push(entry)
      return (settled) => {
        entry.settled = settled
        for (let oldest = inProgress[0]; oldest?.settled === true; oldest = inProgress[0]) {
          watermark = oldest.cursor
          inProgress.shift()
        }
        return watermark
      }
    }
  }
}

/**
 * Lists a prefix and runs an effect for each object, several in parallel.
 *
 * @shape  one result for each object, in the order of completion
 * @errors a `CosException` with `InvalidInput`; with an error of the listing, after the results of the objects listed before;
 *         if `onError` is `stop`, with the first object's error
 */
export const forEachObject =
  <A extends { readonly _tag: string }>(action: string, effectOf: (input: CopyInput) => CosEffect<A>) =>
  (input: PrefixInput): EffectStream<ObjectResult & (A | NotCopied)> =>
    pipe(
      validatePrefix(action)(input),
      E.match(
        (problem): EffectStream<ObjectResult & (A | NotCopied)> => failedStream(new CosException(problem)),
        (valid) => makeForEachRun(() => runForEach(action, effectOf, joinProgress(valid)))
      )
    )

const runForEach = <A extends { readonly _tag: string }>(
  action: string,
  effectOf: (input: CopyInput) => CosEffect<A>,
  input: PrefixInput
): EffectStream<ObjectResult & (A | NotCopied)> => {
  const { bucket, prefix } = input.copySource
  const { onError = 'continue', cursor: start = cursorAt() } = input
  const context = contextOf(action, input)

  const outcome = (key: string, to: string): CosEffect<A | NotCopied> => {
    if (to === '') return RTE.right({ _tag: 'Skipped' })
    if (!landsAmongSources(input, to)) return effectOf(objectInput(input, key, to))
    return RTE.left(
      invalidInput(
        { ...context, key: O.some(to) },
        conflict('prefix', 'must not put a copy below copySource.prefix')
      )
    )
  }
  const streamFrom = (watermark: LowWatermark): EffectStream<ObjectResult & (A | NotCopied)> =>
    runEach<ListedObject, ObjectResult & (A | NotCopied)>(context, {
      concurrency: input.concurrency ?? 5,
      onError,
      items: (client) =>
        streamObjectBatches({ bucket, prefix, cursor: start })(atSource(client, input.copySource)),
      work: async ({ key, cursor }, client) => {
        const settle = watermark.start(cursor)
        const to = `${input.prefix}${key.slice(prefix.length)}`
        const result = await outcome(key, to)(client)()
        // If a failure ends the run, the next run must repeat this object: the cursor stays before it.
        const common = { key, to, cursor: settle(E.isRight(result) || onError === 'continue') }
        return E.isRight(result)
          ? [{ ...common, ...result.right }]
          : [{ ...common, _tag: 'Failed', error: result.left }]
      },
      failureOf: (result) => ('error' in result ? O.some(result.error) : O.none),
      onEnd: () => input.progress?.end()
    })
  return streamFrom(lowWatermark(start))
}
