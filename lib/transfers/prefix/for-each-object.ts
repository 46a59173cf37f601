/** All objects of a prefix, each made into another: what copying and moving them have in common. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import { CosException, type CosError } from '../../core/error.js'
import { contextOf } from '../../core/operation.js'
import { cursorAt, type ListingCursor } from '../../operations/responses/listing-cursor.js'
import type { CosEffect } from '../../client/send.js'
import { atSource, type CopyInput } from '../copy/options.js'
import { fallsAmong, validatePrefix, toOne, type PrefixInput } from './options.js'
import { streamObjects, type ListedObject } from '../list/stream-objects.js'
import { failedStream, type EffectStream } from '../shared/effect-stream.js'
import { runEach } from '../shared/run-each.js'

/** Keys as a listing has them. */
export interface ObjectResult {
  /** The source's. */
  readonly key: string
  /** The new one. */
  readonly to: string
  /** Everything up to it is settled, and told by now: `from` of another run goes on there. */
  readonly cursor: ListingCursor
}

export type NotCopied =
  /** There is no key for it to have: `a/` itself, where `a/` becomes nothing. */
  { readonly _tag: 'Skipped' } | { readonly _tag: 'Failed'; readonly error: CosError }

interface LowWatermark {
  /** Something begins, behind all that began before it; call the result when it is settled, and it says how far all is. */
  readonly begin: (cursor: ListingCursor) => (settled: boolean) => ListingCursor
}

/** How far a listing has been worked off, where several are under way and the first may be the last to be done. */
const lowWatermark = (start: ListingCursor): LowWatermark => {
  const underway: Array<{ readonly cursor: ListingCursor; settled: boolean }> = []
  let front = start
  return {
    begin: (cursor) => {
      const mine = { cursor, settled: false }
      underway.push(mine)
      return (settled) => {
        mine.settled = settled
        for (let first = underway[0]; first?.settled === true; first = underway[0]) {
          front = first.cursor
          underway.shift()
        }
        return front
      }
    }
  }
}

/**
 * Lists a prefix, and makes an effect for each object of it happen, several at once.
 *
 * @shape  one result for each object, as they are known, in no order
 * @errors `CosException` of `InvalidInput`, of the listing's failure after what it gave before, and by policy of the first
 *         object's
 */
export const forEachObject =
  <A extends { readonly _tag: string }>(action: string, one: (input: CopyInput) => CosEffect<A>) =>
  (input: PrefixInput): EffectStream<ObjectResult & (A | NotCopied)> =>
    pipe(
      validatePrefix(action)(input),
      E.match(
        (problem): EffectStream<ObjectResult & (A | NotCopied)> => failedStream(new CosException(problem)),
        (valid) => handleObject(action, one, valid)
      )
    )

const handleObject = <A extends { readonly _tag: string }>(
  action: string,
  one: (input: CopyInput) => CosEffect<A>,
  input: PrefixInput
): EffectStream<ObjectResult & (A | NotCopied)> => {
  const { bucket, prefix } = input.copySource
  const { onError: policy = 'continue', cursor: from = cursorAt() } = input
  const context = contextOf(action, input)

  const outcome = (key: string, to: string): CosEffect<A | NotCopied> => {
    if (to === '') return RTE.right({ _tag: 'Skipped' })
    if (!fallsAmong(input, to)) return one(toOne(input, key, to))
    return RTE.left({
      _tag: 'InvalidInput',
      context: { ...context, key: O.some(to) },
      field: 'prefix',
      expected: 'one under which no copy falls among the sources'
    })
  }
  const begun = (front: LowWatermark): EffectStream<ObjectResult & (A | NotCopied)> =>
    runEach<ListedObject, ObjectResult & (A | NotCopied)>(context, {
      concurrency: input.concurrency ?? 5,
      onError: policy,
      items: (client) => streamObjects({ bucket, prefix, cursor: from })(atSource(client, input.copySource)),
      work: async ({ key, cursor }, client) => {
        const settle = front.begin(cursor)
        const to = `${input.prefix}${key.slice(prefix.length)}`
        const result = await outcome(key, to)(client)()
        // Where a failure is the end, the next run is to try again.
        const now = { key, to, cursor: settle(E.isRight(result) || policy === 'continue') }
        return E.isRight(result)
          ? [{ ...now, ...result.right }]
          : [{ ...now, _tag: 'Failed', error: result.left }]
      },
      failureOf: (result) => ('error' in result ? O.some(result.error) : O.none),
      ended: () => input.progress?.end()
    })
  // Each reading has a front of its own.
  return (client) => ({
    [Symbol.asyncIterator]: () => begun(lowWatermark(from))(client)[Symbol.asyncIterator]()
  })
}
