/** One signal that ends all requests of a transfer together. */
import { setMaxListeners } from 'node:events'
import * as E from 'fp-ts/lib/Either.js'
import { constVoid } from 'fp-ts/lib/function.js'
import { CosException, fromUnknown, type Context, type CosError } from '../core/error.js'
import type { Client } from './client.js'
import { aborted } from './abort.js'
import { holdTimeouts } from './effect-timeout.js'
import { onAbort } from './on-abort.js'

export interface Scope {
  /**
   * Aborts, with a `CosException` as its reason, when a signal of the client fires and when the scope is closed. A stage
   * may abort it to end its siblings; the scope then settles with the error that the stage throws.
   *
   * It is made when it is first used: a controller that is made and aborted for each file of a directory took a tenth of the
   * CPU time of an upload of 4 KiB.
   */
  readonly controller: AbortController
  /** The client for requests of this scope: they end when the scope ends. */
  readonly client: Client
  /**
   * The client around the scope, whose signals end the scope and a request. For a scope that ends with its only request: it
   * then needs no controller.
   */
  readonly outerClient: Client
  /** Throws the error of the scope, as a `CosException`, if a signal of the client has fired. */
  readonly throwIfEnded: () => void
}

export interface OpenScope extends Scope {
  /** Registers a function that is called once, when a signal of the client fires; at once if one has fired already. */
  readonly onEnd: (end: (error: CosError) => void) => void
  /** Whether a signal of the client has fired. */
  readonly hasEnded: () => boolean
  /** Ends all requests of the scope, and removes its listeners. */
  readonly close: () => void
}

/** A controller that is made at its first use; if it was aborted before, it is made aborted. */
const lazyController = (): {
  readonly get: () => AbortController
  readonly abort: (reason: () => Error) => void
} => {
  let controller: AbortController | undefined
  let abortedBy: (() => Error) | undefined
  return {
    get: () => {
      if (controller !== undefined) return controller
      controller = new AbortController()
      // Each request in flight adds a listener. That is no leak, but Node warns at the eleventh.
      setMaxListeners(0, controller.signal)
      if (abortedBy !== undefined) controller.abort(abortedBy())
      return controller
    },
    abort: (reason) => {
      abortedBy ??= reason
      if (controller?.signal.aborted === false) controller.abort(reason())
    }
  }
}

/** Opens a scope that the caller must close: for a stream, which is still read after its effect has settled. */
export const openScope = (outerClient: Client, context: Context): OpenScope => {
  const { signals } = outerClient
  const { get, abort } = lazyController()
  let client: Client | undefined
  let ended: CosError | undefined
  let end: ((error: CosError) => void) | undefined

  const releaseTimeouts = holdTimeouts(signals)
  const removeListeners = onAbort(signals, (reason) => {
    releaseTimeouts()
    const error = aborted(context, reason)
    ended = error
    end?.(error)
    abort(() => new CosException(error))
  })

  return {
    get controller() {
      return get()
    },
    get client() {
      return (client ??= { ...outerClient, signals: [get().signal] })
    },
    outerClient,
    onEnd: (then) => {
      end = then
      if (ended !== undefined) then(ended)
    },
    hasEnded: () => ended !== undefined,
    throwIfEnded: () => {
      if (ended !== undefined) throw new CosException(ended)
    },
    close: () => {
      removeListeners()
      releaseTimeouts()
      abort(() => {
        const reason = new Error(`${context.operation} is over`)
        return new CosException({ _tag: 'Aborted', context, reason })
      })
    }
  }
}

/**
 * Runs `use` in a scope.
 *
 * When `use` has settled, requests of the scope's client that are still open are aborted. When a signal fires, the scope
 * settles at once, and the result of `use` is ignored.
 *
 * @errors those of `use`, returned or thrown as `CosException`; `Aborted` or `Timeout` if a signal of the client fires
 */
export const scoped = async <A>(
  client: Client,
  context: Context,
  use: (scope: Scope) => Promise<E.Either<CosError, A>>
): Promise<E.Either<CosError, A>> => {
  const scope = openScope(client, context)
  try {
    return await new Promise<E.Either<CosError, A>>((settle) => {
      scope.onEnd((error) => {
        settle(E.left(error))
      })
      if (scope.hasEnded()) return
      use(scope).then(settle, (thrown: unknown) => {
        settle(E.left(fromUnknown(context)(thrown)))
      })
    })
  } finally {
    scope.close()
  }
}

/** How long an aborted `scopedWithCleanup` waits, in milliseconds. An abort must settle within 50 ms. */
const cleanupGrace = 25

/**
 * Like `scoped`, but after an abort waits up to 25 ms for open files to be closed and removed, so that a retry started
 * immediately finds no stale lock. A slower disk is not waited for.
 */
export const scopedWithCleanup = async <A>(
  client: Client,
  context: Context,
  use: (scope: Scope) => Promise<E.Either<CosError, A>>
): Promise<E.Either<CosError, A>> => {
  const now = { isRunning: false, onCleanedUp: constVoid }
  const cleanedUp = (): void => {
    now.isRunning = false
    now.onCleanedUp()
  }
  const result = await scoped(client, context, (scope) => {
    now.isRunning = true
    const work = use(scope)
    work.then(cleanedUp, cleanedUp)
    return work
  })
  if (now.isRunning)
    await new Promise<void>((resolve) => {
      const stopTimer = client.runtime.startTimer(cleanupGrace, resolve)
      now.onCleanedUp = () => {
        stopTimer()
        resolve()
      }
    })
  return result
}
