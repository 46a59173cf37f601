/** One transfer for each of many things, several at once, and what became of each told as it is known. */
import * as O from 'fp-ts/lib/Option.js'
import * as In from '../../core/input.js'
import { CosException, type Context, type CosError } from '../../core/error.js'
import type { Client } from '../../client/client.js'
import { abortable } from '../../stages/abortable.js'
import { mapConcurrent } from '../../stages/map-concurrent.js'
import { scopedStream, type EffectStream } from './effect-stream.js'

/**
 * What a failure of one does to the others. `stop`: nothing more is begun, what is under way is finished and told, and
 * then the stream fails with the first failure. `continue`: a failure is a result among others.
 */
export type OnItemError = 'stop' | 'continue'

/** For a codec. */
export const OnItemError = In.oneOf<OnItemError>('stop', 'continue')

export interface RunEachOptions<A, B> {
  /** Things under way, at most. */
  readonly concurrency: number
  readonly onError: OnItemError
  readonly items: (client: Client) => AsyncIterable<A>
  /** What becomes of one, failures included; it throws nothing. */
  readonly work: (item: A, client: Client) => Promise<ReadonlyArray<B>>
  readonly failureOf: (result: B) => O.Option<CosError>
  /** Called when all is over, however it ended. */
  readonly ended?: () => void
}

interface DeferredFailure<A> {
  readonly items: AsyncIterable<A>
  /** No more of them. */
  readonly close: () => void
  /** Why there are no more of them. */
  readonly failure: () => O.Option<unknown>
}

/** A source whose failure is kept until what it gave before has been worked on. */
const deferFailure = <A>(source: AsyncIterable<A>, signal: AbortSignal): DeferredFailure<A> => {
  const iterator = abortable(signal)(source)[Symbol.asyncIterator]()
  const now = { failure: O.none as O.Option<unknown> }
  const done = { done: true, value: undefined } as const
  const close = async (): Promise<typeof done> => {
    await iterator.return?.()
    return done
  }
  const items = {
    next: async (): Promise<IteratorResult<A, unknown>> => {
      try {
        return await iterator.next()
      } catch (thrown) {
        if (signal.aborted) throw thrown
        now.failure = O.some(thrown)
        return done
      }
    },
    return: close
  }
  return {
    items: { [Symbol.asyncIterator]: () => items },
    close: () => {
      close().catch((thrown: unknown) => {
        now.failure = O.some(thrown)
      })
    },
    failure: () => now.failure
  }
}

/**
 * Works on all that comes, several at once.
 *
 * Where the source fails, what it gave before is finished and told; then its failure is thrown.
 *
 * @shape  the results of each, as they are known, in no order
 * @units  holds at most `concurrency` of them
 * @errors `CosException` of the source's failure, and by policy of the first of `failureOf`
 */
export const runEach = <A, B>(
  context: Context,
  { concurrency, onError: policy, items, work, failureOf, ended }: RunEachOptions<A, B>
): EffectStream<B> =>
  scopedStream(context, async function* ({ client, controller: stop }) {
    const source = deferFailure(items(client), stop.signal)
    let failed: O.Option<CosError> = O.none
    const one = async (item: A, signal: AbortSignal): Promise<ReadonlyArray<B>> => {
      if (O.isSome(failed)) return []
      const results = await work(item, { ...client, signals: [signal] })
      // What was cut off by a signal is no failure of its own.
      signal.throwIfAborted()
      if (policy === 'continue') return results
      for (const result of results) failed = O.alt(() => failureOf(result))(failed)
      if (O.isSome(failed)) source.close()
      return results
    }
    const parallel = mapConcurrent<A>({ concurrency, readAhead: 0, controller: stop })(one)
    try {
      for await (const results of parallel(source.items)) yield* results
    } finally {
      ended?.()
    }
    const thrown = source.failure()
    if (O.isSome(thrown)) throw thrown.value
    if (O.isSome(failed)) throw new CosException(failed.value)
  })
