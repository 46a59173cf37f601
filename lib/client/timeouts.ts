/** The deadlines of one request, and the signals that end it. One timer, however many bytes pass. */
import * as E from 'fp-ts/lib/Either.js'
import { CosException, type Context, type CosError } from '../core/error.js'
import type { Timeouts } from './client.js'

type Phase = 'headers' | 'idle'

export interface RequestTimer {
  /** It is the other side's turn, from now on, until `rest` or the next `wait`. */
  readonly wait: (phase: Phase) => void
  /** It is our own side's turn; no deadline runs. */
  readonly rest: () => void
  /** Called once, with what ended the request; at once if that has happened already. */
  readonly onExpiry: (end: (error: CosError) => void) => void
  /** No timer and no listener stays behind. */
  readonly close: () => void
}

/** What an aborted signal means for a call. A timeout rides in its reason. */
export const aborted = (context: Context, reason: unknown): CosError =>
  reason instanceof CosException ? { ...reason.error, context } : { _tag: 'Aborted', context, reason }

/**
 * Starts watching.
 *
 * Setting and clearing a timer for each chunk costs as much as hashing it; so one timer runs, and when it fires it
 * looks at how long the present wait has lasted.
 */
export const startTimeouts = (
  timeouts: Timeouts,
  signals: ReadonlyArray<AbortSignal>,
  context: Context
): RequestTimer => {
  let phase: Phase | undefined
  let since = 0
  let timer: NodeJS.Timeout | undefined
  let firesAt = Number.POSITIVE_INFINITY
  let expired: CosError | undefined
  let end: ((error: CosError) => void) | undefined
  let closed = false

  const close = (): void => {
    closed = true
    clearTimeout(timer)
    for (const signal of signals) signal.removeEventListener('abort', onAbort)
  }
  const expire = (error: CosError): void => {
    if (closed) return
    close()
    expired = error
    end?.(error)
  }
  function onAbort(this: AbortSignal): void {
    expire(aborted(context, this.reason))
  }
  const arm = (now: number, at: number): void => {
    clearTimeout(timer)
    firesAt = at
    timer = setTimeout(look, Math.max(1, Math.ceil(at - now)))
  }
  const judge = (): void => {
    if (phase === undefined || closed) return
    const now = performance.now()
    const at = since + timeouts[phase]
    if (now >= at) expire({ _tag: 'Timeout', context, phase, after: timeouts[phase] })
    else if (at < firesAt) arm(now, at)
  }
  const look = (): void => {
    firesAt = Number.POSITIVE_INFINITY
    // Timers come before sockets: a process that got no turn for so long must read what lies there before it judges.
    setImmediate(judge)
  }

  for (const signal of signals) signal.addEventListener('abort', onAbort, { once: true })
  const fired = signals.find((signal) => signal.aborted)
  if (fired !== undefined) expire(aborted(context, fired.reason))
  return {
    wait: (next) => {
      if (closed) return
      phase = next
      since = performance.now()
      const at = since + timeouts[next]
      if (at < firesAt) arm(since, at)
    },
    rest: () => {
      phase = undefined
    },
    onExpiry: (then) => {
      end = then
      if (expired !== undefined) then(expired)
    },
    close
  }
}

/**
 * What comes first: the work's own end, or a signal. The work is not stopped by it; whatever it waits for, as for
 * credentials that never come, the call has settled.
 */
export const raceAbort = async <A>(
  signals: ReadonlyArray<AbortSignal>,
  context: () => Context,
  work: () => Promise<E.Either<CosError, A>>
): Promise<E.Either<CosError, A>> => {
  let end: (result: E.Either<CosError, A>) => void = () => undefined
  const ended = new Promise<E.Either<CosError, A>>((settle) => {
    end = settle
  })
  const onAbort = function (this: AbortSignal): void {
    end(E.left(aborted(context(), this.reason)))
  }
  const fired = signals.find((signal) => signal.aborted)
  if (fired !== undefined) return E.left(aborted(context(), fired.reason))
  for (const signal of signals) signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work(), ended])
  } finally {
    for (const signal of signals) signal.removeEventListener('abort', onAbort)
  }
}
