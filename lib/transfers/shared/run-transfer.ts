/** The common part of every transfer: validates the input, publishes start and end, ends the progress, cleans up. */
import * as E from 'fp-ts/lib/Either.js'
import type { Task } from 'fp-ts/lib/Task.js'
import type { Context, CosError } from '../../core/error.js'
import { contextOf } from '../../core/operation.js'
import { publish, refInfo, type TransferEvent } from '../../client/diagnostics.js'
import { scopedWithCleanup, type Scope } from '../../client/scope.js'
import type { CosEffect } from '../../client/send.js'
import { withLane, type WithConcurrency } from './concurrency.js'
import { joinProgress, type WithProgress } from './progress.js'

export interface Transfer<I> {
  readonly scope: Scope
  /** For the transfer's own errors. */
  readonly context: Context
  readonly input: I
  /**
   * Sets the cleanup after a failure; `undefined` for none. The cleanup runs after the scope has closed, and returns the
   * error for the caller.
   */
  readonly onFailure: (cleanUp: ((error: CosError) => Task<CosError>) | undefined) => void
  /** Adds a resource to release after the scope has closed, however the transfer ended. */
  readonly defer: (release: () => Promise<unknown>) => void
}

/** Publishes the start. The returned function ends the progress and publishes the end; a second call does nothing. */
export const startTransfer = (
  context: Context,
  { progress }: WithProgress
): ((transferred: number, error: TransferEvent['error']) => void) => {
  let isEnded = false
  publish('transfer', () => ({ ...refInfo(context), phase: 'start', transferred: 0, error: '' }))
  return (transferred, error) => {
    if (isEnded) return
    isEnded = true
    progress?.end()
    publish('transfer', () => ({ ...refInfo(context), phase: 'end', transferred, error }))
  }
}

interface Releases {
  readonly defer: (release: () => Promise<unknown>) => void
  readonly releaseAll: () => Promise<void>
}

/** If a signal fires, the scope settles before `use` does: a resource that `use` opens afterwards is released at once. */
const createReleases = (): Releases => {
  const releases: Array<() => Promise<unknown>> = []
  let isOver = false
  return {
    defer: (release) => {
      if (isOver) void release().catch(() => undefined)
      else releases.push(release)
    },
    releaseAll: async () => {
      isOver = true
      for (const release of releases.reverse()) {
        try {
          await release()
        } catch {
          // The result of the transfer is known, and a failed release does not change it.
        }
      }
    }
  }
}

/**
 * Makes a transfer from its name, the validation of its input, and its work.
 *
 * @shape  `use` runs in a scope; requests of the scope's client end when it ends
 * @errors those of `validate` and of `use`, returned or thrown as `CosException`; `Aborted` or `Timeout` if a signal of the
 *         client fires
 */
export const runTransfer =
  <I extends WithProgress & WithConcurrency, A extends { readonly size: number }>(
    action: string,
    validate: (input: I) => E.Either<CosError, I>,
    use: (transfer: Transfer<I>) => Promise<E.Either<CosError, A>>
  ) =>
  (input: I): CosEffect<A> =>
  (client) =>
  async () => {
    const validated = validate(input)
    if (E.isLeft(validated)) return validated
    const valid = joinProgress(validated.right)
    const context = contextOf(action, valid)
    const { defer, releaseAll } = createReleases()
    let cleanUp: ((error: CosError) => Task<CosError>) | undefined

    const end = startTransfer(context, valid)
    const result = await scopedWithCleanup(withLane(client, valid.concurrency), context, (scope) =>
      use({
        scope,
        context,
        input: valid,
        defer,
        onFailure: (next) => {
          cleanUp = next
        }
      })
    )
    await releaseAll()
    end(E.isRight(result) ? result.right.size : 0, E.isLeft(result) ? result.left._tag : '')
    return E.isRight(result) || cleanUp === undefined ? result : E.left(await cleanUp(result.left)())
  }
