/** Runs one transfer for each of many items, several in parallel, and yields each result when it is known. */
import * as O from 'fp-ts/lib/Option.js'
import * as In from '../../core/input.js'
import { CosException, type Context, type CosError } from '../../core/error.js'
import type { Client } from '../../client/client.js'
import { abortable } from '../../stages/abortable.js'
import type { CancelableIterator } from '../../stages/cancelable.js'
import { mapConcurrent } from '../../stages/map-concurrent.js'
import { oneByOne } from '../../stages/one-by-one.js'
import { requestsInFlight, withLane } from './concurrency.js'
import { scopedStream, type EffectStream } from './effect-stream.js'

/**
 * What happens after the failure of an item. `stop`: no further item is started. The items in flight finish and yield their
 * results, then the stream fails with the first failure. `continue`: the failure is yielded as a result.
 */
export type OnItemError = 'stop' | 'continue'

/** For a codec. */
export const OnItemError = In.oneOf<OnItemError>('stop', 'continue')

export interface RunEachOptions<A, B> {
  /** Maximum number of items in flight. `'auto'`: the limit of the client's pool. */
  readonly concurrency: number | 'auto'
  readonly onError: OnItemError
  /**
   * The items in batches, the next of which is read when those before it have started. Called with a client whose requests do
   * not wait for the pool: a listing pauses while its items are in progress.
   */
  readonly items: (client: Client) => AsyncIterable<ReadonlyArray<A>>
  /** Returns the results of one item, failures included. Must not throw. */
  readonly work: (item: A, client: Client) => Promise<ReadonlyArray<B>>
  readonly failureOf: (result: B) => O.Option<CosError>
  /** Called once at the end, also after a failure or an abort. */
  readonly onEnd?: () => void
}

interface DeferredFailure<A> {
  readonly items: AsyncIterable<A>
  /** Reads no further item. */
  readonly close: () => void
  /** The failure of the source, if it has failed. */
  readonly failure: () => O.Option<unknown>
}

/** Delays the failure of a source until the items before it are done. */
const deferFailure = <A>(
  source: AsyncIterable<ReadonlyArray<A>>,
  signal: AbortSignal
): DeferredFailure<A> => {
  const iterator = abortable(signal)(source)[Symbol.asyncIterator]()
  const state = { failure: O.none as O.Option<unknown> }
  const done = { done: true, value: undefined } as const
  const close = async (): Promise<typeof done> => {
    await iterator.return?.()
    return done
  }
  const batches: CancelableIterator<ReadonlyArray<A>> = {
    next: async () => {
      try {
        const next = await iterator.next()
        return next.done === true ? done : next
      } catch (thrown) {
        if (signal.aborted) throw thrown
        state.failure = O.some(thrown)
        return done
      }
    },
    return: close,
    [Symbol.asyncIterator]: () => batches
  }
  const items = oneByOne(signal, batches)
  return {
    items,
    close: () => {
      items.return().catch((thrown: unknown) => {
        state.failure = O.some(thrown)
      })
    },
    failure: () => state.failure
  }
}

/** Whether the context of a transfer says that an upload may still exist. */
const hasUploads = ({ uploadId, orphanedUploads, mayHaveUnknownUpload }: Context): boolean =>
  uploadId !== undefined || orphanedUploads !== undefined || mayHaveUnknownUpload === true

const withInterrupted =
  (interrupted: ReadonlyArray<Context>) =>
  (thrown: unknown): unknown =>
    thrown instanceof CosException && interrupted.length > 0
      ? new CosException({ ...thrown.error, context: { ...thrown.error.context, interrupted } })
      : thrown

/**
 * Runs `work` for all items, several in parallel.
 *
 * If the source fails, the items before the failure finish and yield their results; then the failure is thrown.
 *
 * @shape  the results of each item, in the order in which they are known
 * @units  holds at most `concurrency` items
 * @errors `CosException` of the source's failure; with `onError: 'stop'` that of the first failed item; after an abort, its
 *         `context.interrupted` has the items that may leave an upload
 */
export const runEach = <A, B>(
  context: Context,
  { concurrency, onError, items, work, failureOf, onEnd }: RunEachOptions<A, B>
): EffectStream<B> =>
  scopedStream(context, async function* ({ client: ofScope, controller }) {
    const client = withLane(ofScope, concurrency)
    const source = deferFailure(items(ofScope), controller.signal)
    let failed: O.Option<CosError> = O.none
    const interrupted: Array<Context> = []
    const runOne = async (item: A, signal: AbortSignal): Promise<ReadonlyArray<B>> => {
      if (O.isSome(failed)) return []
      const results = await work(item, client)
      if (signal.aborted) {
        // An item that a signal interrupted did not fail by itself, but it may leave an upload.
        for (const result of results) {
          const failure = failureOf(result)
          if (O.isSome(failure) && hasUploads(failure.value.context)) interrupted.push(failure.value.context)
        }
        signal.throwIfAborted()
      }
      if (onError === 'continue') return results
      for (const result of results) failed = O.alt(() => failureOf(result))(failed)
      if (O.isSome(failed)) source.close()
      return results
    }
    const parallel = mapConcurrent<A>({
      concurrency: requestsInFlight(client, concurrency),
      readAhead: 0,
      controller
    })(runOne)
    try {
      for await (const results of parallel(source.items)) {
        // Not `yield*`, which makes four promises of each item of an array.
        for (const result of results) yield result
      }
    } catch (thrown) {
      throw withInterrupted(interrupted)(thrown)
    } finally {
      onEnd?.()
    }
    const thrown = source.failure()
    if (O.isSome(thrown)) throw thrown.value
    if (O.isSome(failed)) throw new CosException(failed.value)
  })
