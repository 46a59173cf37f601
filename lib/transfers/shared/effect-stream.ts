/** Results that come one by one, as a value: what a stream will be once it is given a client and read. */
import type { Reader } from 'fp-ts/lib/Reader.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { CosFailure, fromSource, fromUnknown, nowhere, type Context } from '../../core/error.js'
import type { Client } from '../../client/client.js'
import { openScope, type Scope } from '../../client/scope.js'
import type { Effect } from '../../client/send.js'
import { leavable, readerLeft, type Leavable } from '../../stages/cancelable.js'

/**
 * A stream that waits for its client. Nothing happens before it is read, and each reading of it begins anew. It fails
 * with a `CosFailure`; a reader that leaves, or a signal of the client's, ends all of it at once.
 *
 * It is fp-ts's `Reader`: `map` puts a stage behind it, `chain` one that needs the client too.
 *
 * @example pipe(streamObjects({ bucket, prefix }), R.chain(deleting({ bucket })), collect)
 */
export type Streaming<A> = Reader<Client, AsyncIterable<A>>

async function* leaving<A>(
  context: Context,
  items: AsyncGenerator<A, void, undefined>,
  leave: () => void
): AsyncGenerator<A, void, undefined> {
  try {
    yield* items
  } catch (thrown) {
    if (thrown === readerLeft) throw readerLeft
    throw new CosFailure(fromSource(context)(thrown))
  } finally {
    leave()
  }
}

/**
 * A stream that has a scope: what it sends with the scope's client ends with it.
 *
 * @errors those of `run`; what is thrown and not ours is a source's own failure, for no other stranger is here
 */
export const streamIn =
  <A>(context: Context, run: (scope: Scope) => AsyncGenerator<A, void, undefined>): Streaming<A> =>
  (client) => ({
    [Symbol.asyncIterator]: (): Leavable<A> => {
      const { leave, ...scope } = openScope(client, context)
      return leavable(scope.stop, leaving(context, run(scope), leave))
    }
  })

/** What there is to say of an input that is wrong, told when the stream is read. */
export const failingStream = (failure: CosFailure): Streaming<never> =>
  streamIn(failure.reason.context, async function* () {
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
  <A>(stream: Streaming<A>): Effect<ReadonlyArray<A>> =>
  (client) =>
    TE.tryCatch(
      async () => {
        const items: Array<A> = []
        for await (const item of stream(client)) items.push(item)
        return items
      },
      fromUnknown(nowhere('collect'))
    )
