/** How far a transfer has come, as a value that its reader asks for. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'

export interface ProgressSnapshot {
  /** Bytes that have arrived: acknowledged by COS, read from it, or there already. */
  readonly transferred: number
  /** In bytes; `none` if the total is not known. */
  readonly total: O.Option<number>
  readonly parts: {
    readonly inFlight: number
    readonly done: number
  }
  /**
   * Bytes a second over the last five seconds, or since the last bytes before them; what was there already does not
   * count. Where nothing moves it dwindles.
   */
  readonly rate: number
}

/** What happened; sizes in bytes. */
export type ProgressEvent =
  /** So many bytes more are to come than was known before. */
  | { readonly _tag: 'Expected'; readonly size: number }
  | { readonly _tag: 'Moved'; readonly size: number }
  | { readonly _tag: 'PartBegan' }
  | { readonly _tag: 'PartDone' }
  | { readonly _tag: 'PartFailed' }
  /** A part that was there already: done without a start. */
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
  /** Where it stood at some moments, the oldest first: one before the rate's window, the others within. */
  readonly marks: readonly [Mark, ...ReadonlyArray<Mark>]
}

// In milliseconds. Ten marks a window are enough; one for each chunk would be 80,000.
const rateWindow = 5000
const markEvery = 500

/** Nothing yet, at a moment in milliseconds. */
export const initialState = (at: number): ProgressState => ({
  transferred: 0,
  total: O.none,
  parts: { inFlight: 0, done: 0 },
  moved: 0,
  marks: [{ at, moved: 0 }]
})

/** Where the rate at a moment is counted from. */
const markFor = ({ marks }: ProgressState, at: number): Mark =>
  marks.findLast((mark) => mark.at <= at - rateWindow) ?? marks[0]

const moving = (state: ProgressState, size: number, at: number): ProgressState => {
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

/** What is known after one more event, at a moment in milliseconds. */
export const step =
  (event: ProgressEvent, at: number) =>
  (state: ProgressState): ProgressState => {
    switch (event._tag) {
      case 'Expected':
        return { ...state, total: O.some(O.getOrElse(() => 0)(state.total) + event.size) }
      case 'Moved':
        return moving(state, event.size, at)
      case 'PartBegan':
        return withParts(state, 1, 0)
      case 'PartDone':
        return withParts(state, -1, 1)
      case 'PartFailed':
        return withParts(state, -1, 0)
      case 'PartSkipped':
        return withParts({ ...state, transferred: state.transferred + event.size }, 0, 1)
    }
  }

/** What there is to say at a moment, in milliseconds. */
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
 * Hears what a transfer does, and says how far it is when asked. Iterated, it gives the newest progress each time its
 * reader comes back and something has happened, and ends, after a last one, with the transfer. Nothing queues up: a
 * reader that draws a bar five times a second sleeps 200 ms between reads, and the transfer never waits.
 *
 * @example for await (const { transferred, rate } of progress) { draw(transferred, rate); await setTimeout(200) }
 */
export interface Progress extends AsyncIterable<ProgressSnapshot> {
  readonly tell: (event: ProgressEvent) => void
  readonly read: () => ProgressSnapshot
  /** Nothing more will happen. */
  readonly end: () => void
}

export interface ProgressOptions {
  /** In bytes, where it is known beforehand; a transfer that finds out adds to it. */
  readonly total: O.Option<number>
  /** Milliseconds since any moment, never going back: `performance.now`. */
  readonly clock: () => number
}

export const createProgressWith = ({ total, clock }: ProgressOptions): Progress => {
  let state: ProgressState = { ...initialState(clock()), total }
  const now = { version: 0, ended: false }
  let waiting: ReadonlyArray<() => void> = []

  const changed = (): void => {
    now.version += 1
    const woken = waiting
    waiting = []
    for (const wake of woken) wake()
  }
  const read = (): ProgressSnapshot => progressAt(clock())(state)
  return {
    read,
    tell: (event) => {
      state = step(event, clock())(state)
      changed()
    },
    end: () => {
      now.ended = true
      changed()
    },
    async *[Symbol.asyncIterator]() {
      for (let seen = -1; seen !== now.version || !now.ended;) {
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
  <P extends { readonly size: number }, E_, A>(
    send: (part: P, signal: AbortSignal) => TaskEither<E_, A>
  ): ((part: P, signal: AbortSignal) => TaskEither<E_, A>) =>
  (part, signal) =>
  async () => {
    progress.tell({ _tag: 'PartBegan' })
    const answer = await send(part, signal)()
    if (E.isRight(answer)) progress.tell({ _tag: 'Moved', size: part.size })
    progress.tell({ _tag: E.isRight(answer) ? 'PartDone' : 'PartFailed' })
    return answer
  }

/** Reports the ranges that `fetch` fetches, and their bytes as they arrive. */
export const reportBytes =
  (progress: Progress) =>
  <R>(fetch: (range: R, signal: AbortSignal) => AsyncIterable<Uint8Array>) =>
    async function* (range: R, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
      let done = false
      progress.tell({ _tag: 'PartBegan' })
      try {
        for await (const bytes of fetch(range, signal)) {
          progress.tell({ _tag: 'Moved', size: bytes.length })
          yield bytes
        }
        done = true
      } finally {
        progress.tell({ _tag: done ? 'PartDone' : 'PartFailed' })
      }
    }
