/** What runs together ends together: one signal for all that a transfer has under way. */
import { setMaxListeners } from 'node:events'
import * as E from 'fp-ts/lib/Either.js'
import { CosFailure, fromUnknown, type Context, type CosError } from '../core/error.js'
import type { Client } from './client.js'
import { aborted } from './deadline.js'

export interface Scope {
  /** Fires when a signal of the client's does, with a `CosFailure` for its reason; and when the scope is left. */
  readonly signal: AbortSignal
  /** The client, for what belongs to the scope: its requests end with it. */
  readonly client: Client
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
  const controller = new AbortController()
  // A listener for each request in flight is no leak, and Node warns at the eleventh.
  setMaxListeners(0, controller.signal)
  let settle: (result: E.Either<CosError, A>) => void = () => undefined
  const ended = new Promise<E.Either<CosError, A>>((resolve) => {
    settle = resolve
  })
  const end = (reason: unknown): void => {
    const error = aborted(context, reason)
    settle(E.left(error))
    controller.abort(new CosFailure(error))
  }
  const onAbort = function (this: AbortSignal): void {
    end(this.reason)
  }
  const fired = client.signals.find((signal) => signal.aborted)
  if (fired !== undefined) return E.left(aborted(context, fired.reason))
  for (const signal of client.signals) signal.addEventListener('abort', onAbort, { once: true })

  const scope = { signal: controller.signal, client: { ...client, signals: [controller.signal] } }
  const used = use(scope).catch((thrown: unknown) => E.left(fromUnknown(context)(thrown)))
  try {
    return await Promise.race([used, ended])
  } finally {
    for (const signal of client.signals) signal.removeEventListener('abort', onAbort)
    controller.abort(
      new CosFailure({ _tag: 'Aborted', context, reason: new Error(`${context.operation} is over`) })
    )
  }
}
