/** A source that can be read only once has one reader, who claims it before reading and closes it afterwards. */
import { Readable } from 'node:stream'
import { ReadableStream } from 'node:stream/web'
import * as E from 'fp-ts/lib/Either.js'
import { constVoid } from 'fp-ts/lib/function.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { Context, CosError, SourceError } from '../core/error.js'

type Source = AsyncIterable<unknown>

// Checks the methods: a stream of the package `readable-stream` is not an instance of Node's class.
const isNodeStream = (source: Source): source is Readable =>
  'on' in source &&
  typeof source.on === 'function' &&
  'destroy' in source &&
  typeof source.destroy === 'function'

/** Whether the source is its own iterator, as a generator is. Any other iterable returns a new iterator each time. */
const isIterator = (source: Source): source is AsyncIterableIterator<unknown> =>
  'next' in source && typeof source.next === 'function'

/** Node streams, web streams and iterators that were claimed. JavaScript does not show whether a generator was read. */
const claimed = new WeakSet<Source>()

/** Why the source no longer has all its bytes. */
const problemOf = (source: Source): Error | undefined => {
  if (claimed.has(source)) {
    return new Error('the stream was read by an earlier run of the effect: pass a new one, or { open, size }')
  }
  if (isNodeStream(source)) {
    if (source.errored) return source.errored
    if (source.readableDidRead) return new Error('the stream was read before')
    if (source.destroyed) return new Error('the stream was destroyed before it was read')
  }
  if (source instanceof ReadableStream) {
    if (source.locked) return new Error('the stream is locked by another reader')
    // It accepts web streams too, but its types name only Node's streams.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-type-assertion
    if (Readable.isDisturbed(source as unknown as Readable)) return new Error('the stream was read before')
  }
  return undefined
}

/** Keeps an error of a Node stream from ending the process. The reader reports the error. */
const ignoreErrorEvents = (source: Source): void => {
  if (isNodeStream(source)) source.on('error', constVoid)
}

/**
 * Claims a source for its only reader.
 *
 * @shape  an iterable that returns a new iterator each time can be claimed again, because it can be read again
 * @errors `SourceError` if the source was claimed before, is locked, was read in part, was destroyed or has failed
 */
export const claimSource =
  (context: Context) =>
  <S extends Source>(source: S): E.Either<SourceError, S> => {
    const cause = problemOf(source)
    ignoreErrorEvents(source)
    if (cause !== undefined) return E.left({ _tag: 'SourceError', context, cause })
    if (isNodeStream(source) || isIterator(source) || source instanceof ReadableStream) claimed.add(source)
    return E.right(source)
  }

/**
 * Closes a source: destroys a Node stream, cancels a web stream, returns from a generator. Does nothing if it has ended.
 * A generator in the middle of a read closes when that read has settled; it is not waited for.
 */
export const closeSource = (source: Source): void => {
  // In a promise, because the caller's own methods may throw.
  const close = async (): Promise<void> => {
    ignoreErrorEvents(source)
    if (isNodeStream(source)) source.destroy()
    else if (source instanceof ReadableStream) await source.cancel()
    else if (isIterator(source)) await source.return?.()
  }
  close().catch(constVoid)
}

/**
 * Claims a source for a task, and closes the source when the task has settled. A refused source is left as it is: another
 * run may be reading it.
 */
export const withSource =
  (context: Context, source: Source) =>
  <A>(task: TaskEither<CosError, A>): TaskEither<CosError, A> =>
  async () => {
    const claim = claimSource(context)(source)
    if (E.isLeft(claim)) return claim
    try {
      return await task()
    } finally {
      closeSource(source)
    }
  }
