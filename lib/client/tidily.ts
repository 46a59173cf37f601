/** A scope whose end leaves a moment for clearing up. */
import { setTimeout as sleep } from 'node:timers/promises'
import type * as E from 'fp-ts/lib/Either.js'
import type { Context, CosError } from '../core/error.js'
import type { Client } from './client.js'
import { scoped, type Scope } from './scope.js'

// In milliseconds; an abort has to settle within 50.
const cleanupGrace = 25

/**
 * As `scoped`, for what has files open. An abort ends it at once, but what closes and removes them takes a moment, and
 * who begins anew right after the abort should find the place free. A disk that takes longer is not waited for.
 */
export const scopedWithCleanup = async <A>(
  client: Client,
  context: Context,
  use: (scope: Scope) => Promise<E.Either<CosError, A>>
): Promise<E.Either<CosError, A>> => {
  let tidy: Promise<unknown> = Promise.resolve()
  const result = await scoped(client, context, (scope) => {
    const work = use(scope)
    tidy = work.catch(() => undefined)
    return work
  })
  const over = new AbortController()
  await Promise.race([tidy, sleep(cleanupGrace, undefined, { signal: over.signal }).catch(() => undefined)])
  over.abort()
  return result
}
