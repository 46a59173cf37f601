/** Credentials: a fixed pair, a pair fetched when it is needed, or none. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as t from 'io-ts'
import type { Context, CosError } from '../core/error.js'
import * as In from '../core/input.js'

export interface Credentials {
  readonly secretId: string
  readonly secretKey: string
  /** The token of temporary credentials. */
  readonly sessionToken?: string
  /** When the credentials expire; the client fetches new ones five minutes earlier. Default: never. */
  readonly expiresAt?: Date
}

/** A pair, a function that fetches one, or `'anonymous'` for public buckets. */
export type CredentialsSource = Credentials | TE.TaskEither<unknown, Credentials> | 'anonymous'

/**
 * Returns the credentials of a request; `undefined` if the client is anonymous. Fetched credentials that COS has `refused`
 * are dropped, and new ones are fetched.
 */
export type Signer = (
  context: Context,
  refused?: Credentials
) => TE.TaskEither<CosError, Credentials | undefined>

const withoutSpaceAround = (expected: string): t.Type<string, string, unknown> =>
  In.refined(In.headerValue, expected, (text) => text !== '' && text.trim() === text)

const CredentialsCodec: t.Type<Credentials, Credentials, unknown> = In.secret(
  In.struct<Credentials>('credentials, { secretId, secretKey }', {
    secretId: withoutSpaceAround('a SecretId without white space around it'),
    secretKey: withoutSpaceAround('a SecretKey without white space around it'),
    sessionToken: In.optional(withoutSpaceAround('a token without white space around it')),
    expiresAt: In.optional(In.date)
  })
)

const isFetcher = (u: unknown): u is TE.TaskEither<unknown, Credentials> => typeof u === 'function'

export const CredentialsSourceCodec: t.Type<CredentialsSource, CredentialsSource, unknown> = In.secret(
  new t.Type(
    "{ secretId, secretKey }, a TaskEither that fetches them, or 'anonymous'",
    (u): u is CredentialsSource => u === 'anonymous' || isFetcher(u) || CredentialsCodec.is(u),
    (u, context) => {
      if (u === 'anonymous') return t.success(u)
      if (isFetcher(u)) return t.success(u)
      return typeof u === 'object' && u !== null
        ? CredentialsCodec.validate(u, context)
        : t.failure(u, context)
    },
    t.identity
  )
)

// Fetched this long before they expire, in milliseconds, so that a request signed now arrives with a valid key.
const earlyRenewal = 5 * 60_000

interface CachedCredentials {
  readonly credentials: Credentials
  readonly renewAt: number
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : 'the fetch failed')

/**
 * Makes a signer of a source. Parallel requests share one fetch. Fetched credentials are cached until five minutes before
 * they expire, or for half their life if that is shorter. A failed fetch is not cached.
 *
 * @param now milliseconds of Unix time
 */
export const signer = (source: CredentialsSource, now: () => number): Signer => {
  if (source === 'anonymous') return () => TE.right(undefined)
  if (typeof source !== 'function') return () => TE.right(source)

  let cached: CachedCredentials | undefined
  let pending: Promise<E.Either<string, Credentials>> | undefined

  const fetch = async (): Promise<E.Either<string, Credentials>> => {
    try {
      const fetched = await source()
      if (E.isLeft(fetched)) return E.left(messageOf(fetched.left))
      return pipe(
        CredentialsCodec.decode(fetched.right),
        E.mapLeft((errors) => {
          const { field, message } = In.firstProblem(errors)
          return `${field}: ${message}`
        }),
        E.map((credentials) => {
          const expiry = credentials.expiresAt?.getTime()
          const life = expiry === undefined ? 0 : expiry - now()
          cached = {
            credentials,
            renewAt:
              expiry === undefined
                ? Number.POSITIVE_INFINITY
                : expiry - Math.min(earlyRenewal, Math.max(0, life / 2))
          }
          return credentials
        })
      )
    } catch (thrown) {
      return E.left(messageOf(thrown))
    } finally {
      pending = undefined
    }
  }

  return (context, refused) => async () => {
    // Of parallel calls with the refused credentials, the first fetches, and the others find the new ones in the cache.
    if (cached?.credentials === refused) cached = undefined
    if (cached !== undefined && now() < cached.renewAt) return E.right(cached.credentials)
    const fetched = await (pending ??= fetch())
    return E.mapLeft((problem: string): CosError => ({ _tag: 'CredentialsError', context, problem }))(fetched)
  }
}
