/** Results that come one by one, as a value: what a stream will be once it is given a client and read. */
import type { Reader } from 'fp-ts/lib/Reader.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import {
  CosException,
  fromSource,
  fromUnknown,
  contextWithoutObject,
  type Context
} from '../../core/error.js'
import type { Client } from '../../client/client.js'
import { openScope, type Scope } from '../../client/scope.js'
import type { CosEffect } from '../../client/send.js'
import { cancelable, readerCancelled, type CancelableIterator } from '../../stages/cancelable.js'

/**
 * A stream that waits for its client. Nothing happens before it is read, and each reading of it begins anew. It fails
 * with a `CosException`; a reader that leaves, or a signal of the client's, ends all of it at once.
 *
 * It is fp-ts's `Reader`: `map` puts a stage behind it, `chain` one that needs the client too.
 *
 * @example pipe(streamObjects({ bucket, prefix }), R.chain(deleting({ bucket })), collect)
 */
export type EffectStream<A> = Reader<Client, AsyncIterable<A>>

async function* closeAfter<A>(
  context: Context,
  items: AsyncGenerator<A, void, undefined>,
  leave: () => void
): AsyncGenerator<A, void, undefined> {
  try {
    yield* items
  } catch (thrown) {
    if (thrown === readerCancelled) throw readerCancelled
    throw new CosException(fromSource(context)(thrown))
  } finally {
    leave()
  }
}

/**
 * A stream that has a scope: what it sends with the scope's client ends with it.
 *
 * @errors those of `run`; what is thrown and not ours is a source's own failure, for no other stranger is here
 */
export const scopedStream =
  <A>(context: Context, run: (scope: Scope) => AsyncGenerator<A, void, undefined>): EffectStream<A> =>
  (client) => ({
    [Symbol.asyncIterator]: (): CancelableIterator<A> => {
      const { close: leave, ...scope } = openScope(client, context)
      return cancelable(scope.controller, closeAfter(context, run(scope), leave))
    }
  })

/** What there is to say of an input that is wrong, told when the stream is read. */
export const failedStream = (failure: CosException): EffectStream<never> =>
  scopedStream(failure.error.context, async function* () {
    yield Promise.reject<never>(failure)
  })

/**
 * Reads a stream to its end, and keeps all of it: for what is known to be small.
 *
 * @shape  `Streaming<A> -> Effect<ReadonlyArray<A>>`
 * @errors those of the stream, as data
 * @example pipe(streamParts({ bucket, key, uploadId }), collect)
 */
export const collect =
  <A>(stream: EffectStream<A>): CosEffect<ReadonlyArray<A>> =>
  (client) =>
    TE.tryCatch(
      async () => {
        const items: Array<A> = []
        for await (const item of stream(client)) items.push(item)
        return items
      },
      fromUnknown(contextWithoutObject('collect'))
    )
