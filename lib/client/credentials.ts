/** Whose key signs: a fixed pair, a pair fetched when it is needed, or nobody's. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as t from 'io-ts'
import type { Context, CosError } from '../core/error.js'
import * as In from '../core/input.js'

export interface Credentials {
  readonly secretId: string
  readonly secretKey: string
  /** Of temporary credentials. */
  readonly sessionToken?: string
  /** When COS stops taking them; fetched anew five minutes earlier. Without it they are taken to last. */
  readonly expiresAt?: Date
}

/** What a client can be given: a pair, a function that fetches one, or `'anonymous'` for public buckets. */
export type CredentialsSource = Credentials | TE.TaskEither<unknown, Credentials> | 'anonymous'

/**
 * Gives what a request is signed with; none where it is anonymous. Those that COS has `refused` are not kept: where
 * they were fetched, others are.
 */
export type Signer = (
  context: Context,
  refused?: Credentials
) => TE.TaskEither<CosError, Credentials | undefined>

const clean = (expected: string): t.Type<string, string, unknown> =>
  In.refined(In.headerValue, expected, (text) => text !== '' && text.trim() === text)

export const CredentialsCodec: t.Type<Credentials, Credentials, unknown> = In.struct<Credentials>(
  'credentials',
  {
    secretId: clean('a SecretId, without white space around it'),
    secretKey: clean('a SecretKey, without white space around it'),
    sessionToken: In.optional(clean('a token, without white space around it')),
    expiresAt: In.optional(In.date)
  }
)

const isFetcher = (u: unknown): u is TE.TaskEither<unknown, Credentials> => typeof u === 'function'

export const CredentialsSourceCodec: t.Type<CredentialsSource, CredentialsSource, unknown> = new t.Type(
  "credentials: { secretId, secretKey }, a TaskEither that fetches them, or 'anonymous'",
  (u): u is CredentialsSource => u === 'anonymous' || isFetcher(u) || CredentialsCodec.is(u),
  (u, context) => {
    if (u === 'anonymous') return t.success(u)
    if (isFetcher(u)) return t.success(u)
    return typeof u === 'object' && u !== null ? CredentialsCodec.validate(u, context) : t.failure(u, context)
  },
  t.identity
)

// Renewed this long before they end, so that a request signed now arrives with a key that is still good.
const early = 5 * 60_000

interface Held {
  readonly credentials: Credentials
  readonly renewAt: number
}

const inWords = (error: unknown): string => (error instanceof Error ? error.message : 'the fetch failed')

/**
 * Makes a signer of a source. However many requests ask at once, one fetch is under way; an answer is kept until five
 * minutes before it expires (or half its life, if that is shorter), and a failed fetch is not kept at all.
 *
 * @param now milliseconds of Unix time
 */
export const signer = (source: CredentialsSource, now: () => number): Signer => {
  if (source === 'anonymous') return () => TE.right(undefined)
  if (typeof source !== 'function') return () => TE.right(source)

  let held: Held | undefined
  let flight: Promise<E.Either<string, Credentials>> | undefined

  const fetch = async (): Promise<E.Either<string, Credentials>> => {
    try {
      const fetched = await source()
      if (E.isLeft(fetched)) return E.left(inWords(fetched.left))
      return pipe(
        CredentialsCodec.decode(fetched.right),
        E.mapLeft((errors) => {
          const { field, expected } = In.firstProblem(errors)
          return `${field} should be ${expected}`
        }),
        E.map((credentials) => {
          const end = credentials.expiresAt?.getTime()
          const left = end === undefined ? 0 : end - now()
          held = {
            credentials,
            renewAt:
              end === undefined ? Number.POSITIVE_INFINITY : end - Math.min(early, Math.max(0, left / 2))
          }
          return credentials
        })
      )
    } catch (thrown) {
      return E.left(inWords(thrown))
    } finally {
      flight = undefined
    }
  }

  return (context, refused) => async () => {
    // Of many calls that were refused at once, the first asks anew, and the others find what it was given.
    if (held?.credentials === refused) held = undefined
    if (held !== undefined && now() < held.renewAt) return E.right(held.credentials)
    const fetched = await (flight ??= fetch())
    return E.mapLeft((problem: string): CosError => ({ _tag: 'CredentialsError', context, problem }))(fetched)
  }
}
