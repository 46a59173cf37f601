/** What runs together ends together: one signal for all that a transfer has under way. */
import { setMaxListeners } from 'node:events'
import * as E from 'fp-ts/lib/Either.js'
import { CosException, fromUnknown, type Context, type CosError } from '../core/error.js'
import type { Client } from './client.js'
import { aborted } from './timeouts.js'

export interface Scope {
  /**
   * Fires when a signal of the client's does, with a `CosException` for its reason, and when the scope is left. A stage
   * may fire it to end its siblings; the failure it then throws is what the scope settles with.
   */
  readonly controller: AbortController
  /** The client, for what belongs to the scope: its requests end with it. */
  readonly client: Client
}

export interface OpenScope extends Scope {
  /** Called once, when a signal of the client's fires; at once if one has fired already. */
  readonly onEnd: (end: (error: CosError) => void) => void
  /** Ends all that is still under way, and listens no longer. */
  readonly close: () => void
}

/** Opens a scope that its owner leaves, as what outlives its effect must: a stream that is still being read. */
export const openScope = (client: Client, context: Context): OpenScope => {
  const stop = new AbortController()
  // A listener for each request in flight is no leak, and Node warns at the eleventh.
  setMaxListeners(0, stop.signal)
  let ended: CosError | undefined
  let end: ((error: CosError) => void) | undefined

  const unlink = (): void => {
    for (const signal of client.signals) signal.removeEventListener('abort', onAbort)
  }
  const onFired = (reason: unknown): void => {
    unlink()
    ended = aborted(context, reason)
    end?.(ended)
    stop.abort(new CosException(ended))
  }
  function onAbort(this: AbortSignal): void {
    onFired(this.reason)
  }
  for (const signal of client.signals) signal.addEventListener('abort', onAbort, { once: true })
  const fired = client.signals.find((signal) => signal.aborted)
  if (fired !== undefined) onFired(fired.reason)

  return {
    controller: stop,
    client: { ...client, signals: [stop.signal] },
    onEnd: (then) => {
      end = then
      if (ended !== undefined) then(ended)
    },
    close: () => {
      unlink()
      const reason = new Error(`${context.operation} is over`)
      stop.abort(new CosException({ _tag: 'Aborted', context, reason }))
    }
  }
}

/**
 * Runs what belongs together.
 *
 * However it ends, nothing of it goes on: what was sent with the scope's client is hung up on. When a signal fires it
 * settles at once, and what `use` still does by then is ignored.
 *
 * @errors what `use` throws, opened; `Aborted` or `Timeout` when a signal of the client's fires
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
      if (scope.controller.signal.aborted) return
      use(scope).then(settle, (thrown: unknown) => {
        settle(E.left(fromUnknown(context)(thrown)))
      })
    })
  } finally {
    scope.close()
  }
}
