/** All objects of a prefix, each made into another: what copying and moving them have in common. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import { CosFailure, type CosError } from '../../core/error.js'
import { contextOf } from '../../core/operation.js'
import { cursorAt, type ListingCursor } from '../../operations/responses/listing-events.js'
import type { Effect } from '../../client/send.js'
import { atSource, type CopyInput } from '../copy/options.js'
import { fallsAmong, judgePrefix, toOne, type PrefixInput } from './options.js'
import { streamObjects, type ListedObject } from '../list/stream-objects.js'
import { failingStream, type Streaming } from '../shared/effect-stream.js'
import { working } from '../shared/run-each.js'

/** Keys as a listing has them. */
export interface Each {
  /** The source's. */
  readonly key: string
  /** The new one. */
  readonly to: string
  /** Everything up to it is settled, and told by now: `from` of another run goes on there. */
  readonly cursor: ListingCursor
}

export type NotTransferred =
  /** There is no key for it to have: `a/` itself, where `a/` becomes nothing. */
  { readonly _tag: 'Skipped' } | { readonly _tag: 'Failed'; readonly error: CosError }

interface Front {
  /** Something begins, behind all that began before it; call the result when it is settled, and it says how far all is. */
  readonly begin: (cursor: ListingCursor) => (settled: boolean) => ListingCursor
}

/** How far a listing has been worked off, where several are under way and the first may be the last to be done. */
const frontFrom = (start: ListingCursor): Front => {
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
 * @errors `CosFailure` of `InvalidInput`, of the listing's failure after what it gave before, and by policy of the first
 *         object's
 */
export const transferring =
  <A extends { readonly _tag: string }>(action: string, one: (input: CopyInput) => Effect<A>) =>
  (input: PrefixInput): Streaming<Each & (A | NotTransferred)> =>
    pipe(
      judgePrefix(action)(input),
      E.match(
        (problem): Streaming<Each & (A | NotTransferred)> => failingStream(new CosFailure(problem)),
        (valid) => each(action, one, valid)
      )
    )

const each = <A extends { readonly _tag: string }>(
  action: string,
  one: (input: CopyInput) => Effect<A>,
  input: PrefixInput
): Streaming<Each & (A | NotTransferred)> => {
  const { bucket, prefix } = input.copySource
  const { policy = 'continue', from = cursorAt() } = input
  const context = contextOf(action, input)

  const outcome = (key: string, to: string): Effect<A | NotTransferred> => {
    if (to === '') return RTE.right({ _tag: 'Skipped' })
    if (!fallsAmong(input, to)) return one(toOne(input, key, to))
    return RTE.left({
      _tag: 'InvalidInput',
      context: { ...context, key: O.some(to) },
      field: 'prefix',
      expected: 'one under which no copy falls among the sources'
    })
  }
  const begun = (front: Front): Streaming<Each & (A | NotTransferred)> =>
    working<ListedObject, Each & (A | NotTransferred)>(context, {
      concurrency: input.objectsInFlight ?? 5,
      policy,
      items: (client) => streamObjects({ bucket, prefix, from })(atSource(client, input.copySource)),
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
      ended: () => input.meter?.end()
    })
  // Each reading has a front of its own.
  return (client) => ({
    [Symbol.asyncIterator]: () => begun(frontFrom(from))(client)[Symbol.asyncIterator]()
  })
}
