/** Signed URLs: for a browser, curl or a colleague without credentials. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { queryText, targetOf } from '../core/address.js'
import { invalidInput, type Context, type CosError, type InvalidInput } from '../core/error.js'
import * as In from '../core/input.js'
import { urlEncode } from '../core/key.js'
import type { Operation } from '../core/operation.js'
import type { Method, Request } from '../core/request.js'
import { authorizationFields, encodeHeaderBytes, keyTime, sign } from '../core/signature.js'
import type { Client } from './client.js'
import type { CosEffect } from './send.js'
import { signedHeaders, signedPath } from './sign.js'

export interface PresignedRequest {
  readonly method: Method
  /** A secret until it expires: anyone who has the URL can send the request. */
  readonly url: string
  /** Headers that must be sent unchanged with the request. Without `host`, which the URL contains. */
  readonly headers: Readonly<Record<string, string>>
  readonly expiresAt: Date
}

const trafficLimit = 'x-cos-traffic-limit'

/** Moves the traffic limit to the query, where COS accepts it too: then the sender needs no header for it. */
const moveLimitToQuery = (request: Request): Request => {
  const { [trafficLimit]: value, ...headers } = request.headers
  return value === undefined
    ? request
    : { ...request, headers, query: { ...request.query, [trafficLimit]: value } }
}

const contextOf = (operation: Operation<unknown>, request: Request): Context => ({
  operation: operation.action,
  bucket: request.bucket,
  key: request.key,
  attempts: 0
})

const Seconds = In.integer(1, Number.MAX_SAFE_INTEGER, 'seconds')

const checkExpiresIn = (expiresIn: number, context: Context): E.Either<InvalidInput, number> =>
  pipe(
    In.check('expiresIn', Seconds)(expiresIn),
    E.mapLeft((problem) => invalidInput(context, problem))
  )

/**
 * Signs any operation into a URL. Nothing is sent to COS. If the client's credentials are a function, it may be called.
 *
 * The host, every parameter and every `x-cos-*` header of the operation are signed. The body is not: a presigned PUT
 * stores any body, except if the operation has a `contentMd5`.
 *
 * @shape  `(operation, expiresIn) -> CosEffect<Presigned>`
 * @units  `expiresIn` in seconds
 * @errors `InvalidInput`; `CredentialsError`, also for an anonymous client
 * @example
 * const link = presign(getObject({ bucket, key, responseContentDisposition: 'attachment' }), 600)(client)
 * @source https://cloud.tencent.com/document/product/436/14116
 */
export const presign =
  (operation: Operation<unknown>, expiresIn: number): CosEffect<PresignedRequest> =>
  (client: Client) =>
    pipe(
      TE.fromEither<CosError, Request>(operation.request),
      TE.map((request: Request) => ({ request: moveLimitToQuery(request) })),
      TE.let('context', ({ request }) => contextOf(operation, request)),
      TE.bind('seconds', ({ context }) =>
        TE.fromEither<CosError, number>(checkExpiresIn(expiresIn, context))
      ),
      TE.bind('credentials', ({ context }) =>
        pipe(
          client.signer(context),
          TE.chain((credentials) =>
            credentials === undefined
              ? TE.left<CosError, never>({
                  _tag: 'CredentialsError',
                  context,
                  problem: 'an anonymous client cannot sign a URL'
                })
              : TE.right(credentials)
          )
        )
      ),
      TE.map(({ request, seconds, credentials }) => {
        const now = client.clock.now()
        const target = targetOf(client.endpoint, request)
        const query = {
          ...request.query,
          ...(credentials.sessionToken === undefined
            ? {}
            : { 'x-cos-security-token': credentials.sessionToken })
        }
        const signed = sign(
          {
            secretId: credentials.secretId,
            secretKey: credentials.secretKey,
            keyTime: keyTime(now, seconds),
            method: request.method,
            path: signedPath(request),
            query,
            headers: signedHeaders({ ...request.headers, host: target.host })
          },
          encodeHeaderBytes
        )
        const text = queryText({ ...query, ...authorizationFields(credentials.secretId, signed) }, urlEncode)
        return {
          method: request.method,
          url: `${client.endpoint.scheme ?? 'https'}://${target.host}${target.path}?${text}`,
          headers: request.headers,
          expiresAt: new Date((Math.floor(now / 1000) + seconds) * 1000)
        }
      })
    )
