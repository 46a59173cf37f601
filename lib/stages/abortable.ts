/** A source that stops when a signal fires, even in the middle of a read. */
import { Readable } from 'node:stream'
import { constVoid } from 'fp-ts/lib/function.js'

/**
 * Passes items on until the signal fires; then the read that is under way, or the next one, fails with the signal's
 * reason, and the source is let go without waiting for it.
 *
 * A generator can not do this: asked to `return`, it first waits for what it waits for, and a stalled source would
 * keep a failed upload from settling. Nor can `Promise.race` with one promise for all reads: each race leaves a
 * reaction behind that holds its item until that promise settles, all 10^9 of them for a stream of single bytes.
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
  let reading: PendingRead<A> | undefined
  let over = false

  /** Ends it all but the read under way, which is the caller's to answer. */
  const end = (): PendingRead<A> | undefined => {
    const last = reading
    over = true
    reading = undefined
    signal.removeEventListener('abort', onAbort)
    return last
  }
  // A Node stream is destroyed, as `pipeline` would; of anything else only its own `return` can be asked. In a promise,
  // because a `return` that throws in the signal's event would end the process, and the read would never settle.
  const close = async (): Promise<void> => {
    if (source instanceof Readable) source.on('error', constVoid).destroy()
    await iterator.return?.()
  }
  const release = (): void => {
    close().catch(constVoid)
  }
  const onAbort = (): void => {
    if (!over) release()
    end()?.reject(signal.reason)
  }
  signal.addEventListener('abort', onAbort, { once: true })

  const onResult = (result: IteratorResult<A, unknown>): void => {
    if (result.done === true) return end()?.resolve(done)
    const last = reading
    reading = undefined
    last?.resolve(result)
  }
  return {
    next: () =>
      new Promise((resolve, reject) => {
        reading = { resolve, reject }
        if (signal.aborted) onAbort()
        else if (over) end()?.resolve(done)
        else iterator.next().then(onResult, (error: unknown) => end()?.reject(error))
      }),
    return: async () => {
      if (over) return done
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
