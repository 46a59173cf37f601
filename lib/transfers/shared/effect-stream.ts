/** Streams of results as values: they start when they have a client and are read. */
import type { Reader } from 'fp-ts/lib/Reader.js'
import {
  CosException,
  fromSource,
  fromUnknown,
  contextWithoutObject,
  type Context
} from '../../core/error.js'
import { tryTask } from '../../core/try-task.js'
import type { Client } from '../../client/client.js'
import { openScope, type Scope } from '../../client/scope.js'
import type { CosEffect } from '../../client/send.js'
import { cancelable, readerCancelled, type CancelableIterator } from '../../stages/cancelable.js'
import { oneByOne } from '../../stages/one-by-one.js'

/**
 * A stream that needs a client. Nothing happens before it is read, and each iteration starts a new run. It fails with a
 * `CosException`. If the reader stops, or a signal of the client fires, all of its requests end at once.
 *
 * It is fp-ts's `Reader`: `map` appends a stage, and `chain` a stage that needs the client too.
 *
 * @example pipe(streamObjects({ bucket, prefix }), R.chain(deleteKeys({ bucket })), collect)
 */
export type EffectStream<A> = Reader<Client, AsyncIterable<A>>

async function* closeAfter<A>(
  context: Context,
  items: AsyncGenerator<A, void, undefined>,
  close: () => void
): AsyncGenerator<A, void, undefined> {
  try {
    yield* items
  } catch (thrown) {
    if (thrown === readerCancelled) throw readerCancelled
    throw new CosException(fromSource(context)(thrown))
  } finally {
    close()
  }
}

/**
 * Makes a stream with a scope: requests of the scope's client end when the stream ends.
 *
 * @errors those of `run`; any other thrown value becomes a `SourceError`: only a source of the caller throws such values
 */
export const scopedStream =
  <A>(context: Context, run: (scope: Scope) => AsyncGenerator<A, void, undefined>): EffectStream<A> =>
  (client) => ({
    [Symbol.asyncIterator]: (): CancelableIterator<A> => {
      const scope = openScope(client, context)
      return cancelable(scope.controller, closeAfter(context, run(scope), scope.close))
    }
  })

/** Like `scopedStream`, for a run that yields its items in batches. */
export const scopedBatches =
  <A>(
    context: Context,
    run: (scope: Scope) => AsyncGenerator<ReadonlyArray<A>, void, undefined>
  ): EffectStream<A> =>
  (client) => ({
    [Symbol.asyncIterator]: (): CancelableIterator<A> => {
      const scope = openScope(client, context)
      const batches = cancelable(scope.controller, closeAfter(context, run(scope), scope.close))
      return oneByOne(scope.controller.signal, batches)
    }
  })

/** A stream whose runs each have a separate state: every iteration calls `make`. */
export const makeForEachRun =
  <A>(make: () => EffectStream<A>): EffectStream<A> =>
  (client) => ({ [Symbol.asyncIterator]: () => make()(client)[Symbol.asyncIterator]() })

/** A stream that fails when it is read, such as for an invalid input. */
export const failedStream = (failure: CosException): EffectStream<never> =>
  scopedStream(failure.error.context, async function* () {
    yield Promise.reject<never>(failure)
  })

/**
 * Reads a stream to its end into an array. For small streams.
 *
 * @shape  `EffectStream<A> -> CosEffect<ReadonlyArray<A>>`
 * @errors those of the stream, as data
 * @example pipe(streamParts({ bucket, key, uploadId }), collect)
 */
export const collect =
  <A>(stream: EffectStream<A>): CosEffect<ReadonlyArray<A>> =>
  (client) =>
    tryTask(
      async () => {
        const items: Array<A> = []
        for await (const item of stream(client)) items.push(item)
        return items
      },
      fromUnknown(contextWithoutObject('collect'))
    )
