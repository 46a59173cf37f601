/** The progress of a transfer, which a reader polls or iterates. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'

export interface ProgressSnapshot {
  /** Bytes that were acknowledged by COS, received from it, or already transferred by an earlier run. */
  readonly transferred: number
  /** In bytes; `none` if the total is not known. */
  readonly total: O.Option<number>
  readonly parts: {
    readonly inFlight: number
    readonly done: number
  }
  /**
   * Bytes per second over the last five seconds, or since the last bytes before them. Bytes of an earlier run do not
   * count. While no bytes move, the rate falls.
   */
  readonly rate: number
}

/** An event of a transfer. Sizes are in bytes. */
export type ProgressEvent =
  /** The total grows by `size`. */
  | { readonly _tag: 'Expected'; readonly size: number }
  | { readonly _tag: 'Moved'; readonly size: number }
  | { readonly _tag: 'PartStarted' }
  | { readonly _tag: 'PartDone' }
  | { readonly _tag: 'PartFailed' }
  /** A part that an earlier run transferred: done without a start. */
  | { readonly _tag: 'PartSkipped'; readonly size: number }

// -- the fold --
interface Mark {
  /** In milliseconds. */
  readonly at: number
  /** Bytes moved until then. */
  readonly moved: number
}

export interface ProgressState extends Omit<ProgressSnapshot, 'rate'> {
  /** Bytes. */
  readonly moved: number
  /** Earlier values of `moved`, the oldest first: one before the window of the rate, the others within it. */
  readonly marks: readonly [Mark, ...ReadonlyArray<Mark>]
}

// In milliseconds. Ten marks in a window are enough; one for each chunk would be 80,000.
const rateWindow = 5000
const markEvery = 500

/** The state before the first event; `at` in milliseconds. */
export const initialState = (at: number): ProgressState => ({
  transferred: 0,
  total: O.none,
  parts: { inFlight: 0, done: 0 },
  moved: 0,
  marks: [{ at, moved: 0 }]
})

/** The start of the window of the rate. */
const markFor = ({ marks }: ProgressState, at: number): Mark =>
  marks.findLast((mark) => mark.at <= at - rateWindow) ?? marks[0]

const withMoved = (state: ProgressState, size: number, at: number): ProgressState => {
  const next = { ...state, transferred: state.transferred + size, moved: state.moved + size }
  if (at - (state.marks.at(-1) ?? state.marks[0]).at < markEvery) return next
  const oldest = markFor(state, at)
  const within = state.marks.filter((mark) => mark.at > oldest.at)
  return { ...next, marks: [oldest, ...within, { at, moved: next.moved }] }
}

const withParts = (state: ProgressState, inFlight: number, done: number): ProgressState => ({
  ...state,
  parts: { inFlight: state.parts.inFlight + inFlight, done: state.parts.done + done }
})

/** The state after one more event; `at` in milliseconds. */
export const step =
  (event: ProgressEvent, at: number) =>
  (state: ProgressState): ProgressState => {
    switch (event._tag) {
      case 'Expected':
        return { ...state, total: O.some(O.getOrElse(() => 0)(state.total) + event.size) }
      case 'Moved':
        return withMoved(state, event.size, at)
      case 'PartStarted':
        return withParts(state, 1, 0)
      case 'PartDone':
        return withParts(state, -1, 1)
      case 'PartFailed':
        return withParts(state, -1, 0)
      case 'PartSkipped':
        return withParts({ ...state, transferred: state.transferred + event.size }, 0, 1)
    }
  }

/** The snapshot of a state; `at` in milliseconds. */
export const progressAt =
  (at: number) =>
  (state: ProgressState): ProgressSnapshot => {
    const { transferred, total, parts } = state
    const from = markFor(state, at)
    const rate = at > from.at ? ((state.moved - from.moved) * 1000) / (at - from.at) : 0
    return { transferred, total, parts, rate }
  }

// -- the progress --
/**
 * Collects the events of a transfer and returns snapshots. Iterated, it yields the newest snapshot each time the reader
 * asks and an event has happened, and ends with the transfer, after a last snapshot. Snapshots do not queue up: a reader
 * that draws a bar five times a second sleeps 200 ms between reads, and the transfer never waits for it.
 *
 * @example for await (const { transferred, rate } of progress) { draw(transferred, rate); await setTimeout(200) }
 */
export interface Progress extends AsyncIterable<ProgressSnapshot> {
  readonly report: (event: ProgressEvent) => void
  /** The current snapshot. */
  readonly read: () => ProgressSnapshot
  /** Ends the iterations: no event follows. */
  readonly end: () => void
}

export interface ProgressOptions {
  /** In bytes, if it is already known. Transfers add their own size when they know it. */
  readonly total: O.Option<number>
  /** Monotonic, in milliseconds: `performance.now`. */
  readonly clock: () => number
}

export const createProgressWith = ({ total, clock }: ProgressOptions): Progress => {
  let state: ProgressState = { ...initialState(clock()), total }
  const now = { version: 0, hasEnded: false }
  let waiting: ReadonlyArray<() => void> = []

  const wakeReaders = (): void => {
    now.version += 1
    const woken = waiting
    waiting = []
    for (const wake of woken) wake()
  }
  const read = (): ProgressSnapshot => progressAt(clock())(state)
  return {
    read,
    report: (event) => {
      state = step(event, clock())(state)
      wakeReaders()
    },
    end: () => {
      now.hasEnded = true
      wakeReaders()
    },
    async *[Symbol.asyncIterator]() {
      for (let seen = -1; seen !== now.version || !now.hasEnded;) {
        if (seen === now.version) await new Promise<void>((resolve) => (waiting = [...waiting, resolve]))
        seen = now.version
        yield read()
      }
    }
  }
}

/** Reports the parts that `send` sends: started, then done or failed. */
export const reportParts =
  (progress: Progress) =>
  <P extends { readonly size: number }, S, E_, A>(
    send: (part: P, signal: S) => TaskEither<E_, A>
  ): ((part: P, signal: S) => TaskEither<E_, A>) =>
  (part, signal) =>
  async () => {
    progress.report({ _tag: 'PartStarted' })
    const result = await send(part, signal)()
    if (E.isRight(result)) progress.report({ _tag: 'Moved', size: part.size })
    progress.report({ _tag: E.isRight(result) ? 'PartDone' : 'PartFailed' })
    return result
  }

/** Reports the ranges that `fetch` fetches, and their bytes as they arrive. */
export const reportBytes =
  (progress: Progress) =>
  <R>(fetch: (range: R, signal: AbortSignal) => AsyncIterable<Uint8Array>) =>
    async function* (range: R, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
      let done = false
      progress.report({ _tag: 'PartStarted' })
      try {
        for await (const bytes of fetch(range, signal)) {
          progress.report({ _tag: 'Moved', size: bytes.length })
          yield bytes
        }
        done = true
      } finally {
        progress.report({ _tag: done ? 'PartDone' : 'PartFailed' })
      }
    }
