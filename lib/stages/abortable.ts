/** A source that stops when a signal fires, even in the middle of a read. */
import { Readable } from 'node:stream'
import { constVoid } from 'fp-ts/lib/function.js'

/**
 * Passes items on until the signal fires. Then the pending read, or the next one, fails with the signal's reason, and the
 * source is closed without waiting for it.
 *
 * A generator cannot do this: its `return` first waits for the pending read, so a stalled source would keep a failed
 * upload from settling. `Promise.race` with one promise for all reads cannot either: each race leaves a reaction that
 * holds its item until that promise settles, 10^9 items for a stream of single bytes.
 *
 * @shape  the same items in the same order; without a signal, the source itself
 * @units  reads none ahead
 * @errors those of its source, untouched; the signal's reason
 */
export const abortable =
  (signal: AbortSignal | undefined) =>
  <A>(source: AsyncIterable<A>): AsyncIterable<A> =>
    signal === undefined ? source : { [Symbol.asyncIterator]: () => raceSignal(signal, source) }

interface PendingRead<A> {
  readonly resolve: (result: IteratorResult<A, void>) => void
  readonly reject: (reason: unknown) => void
}

const raceSignal = <A>(signal: AbortSignal, source: AsyncIterable<A>): AsyncIterator<A, void, undefined> => {
  const iterator = source[Symbol.asyncIterator]()
  const done = { done: true, value: undefined } as const
  let pending: PendingRead<A> | undefined
  let hasEnded = false

  /** Ends the iteration and returns the pending read, which the caller must settle. */
  const end = (): PendingRead<A> | undefined => {
    const last = pending
    hasEnded = true
    pending = undefined
    signal.removeEventListener('abort', onAbort)
    return last
  }
  // A Node stream is destroyed, as `pipeline` does. All other sources have only `return`. In a promise, because a `return`
  // that throws in the signal's event would end the process, and the read would never settle.
  const close = async (): Promise<void> => {
    if (source instanceof Readable) source.on('error', constVoid).destroy()
    await iterator.return?.()
  }
  const release = (): void => {
    close().catch(constVoid)
  }
  const onAbort = (): void => {
    if (!hasEnded) release()
    end()?.reject(signal.reason)
  }
  signal.addEventListener('abort', onAbort, { once: true })

  const onResult = (result: IteratorResult<A, unknown>): void => {
    if (result.done === true) return end()?.resolve(done)
    const last = pending
    pending = undefined
    last?.resolve(result)
  }
  return {
    next: () =>
      new Promise((resolve, reject) => {
        pending = { resolve, reject }
        if (signal.aborted) onAbort()
        else if (hasEnded) end()?.resolve(done)
        else iterator.next().then(onResult, (error: unknown) => end()?.reject(error))
      }),
    return: async () => {
      if (hasEnded) return done
      const last = end()
      if (last === undefined) await iterator.return?.()
      else {
        release()
        last.resolve(done)
      }
      return done
    }
  }
}
