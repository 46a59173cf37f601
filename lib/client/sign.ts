/** Adds the host, the token and the signature to a request; repeated for each attempt. */
import * as O from 'fp-ts/lib/Option.js'
import { queryText, targetOf, type Endpoint, type Target } from '../core/address.js'
import { urlEncode } from '../core/key.js'
import type { Request } from '../core/request.js'
import { authorization, encodeHeaderBytes, isSigned, keyTime } from '../core/signature.js'
import type { Credentials } from './credentials.js'

export interface Signed extends Target {
  /** The path with its query, as in the request line. */
  readonly requestTarget: string
  readonly headers: Readonly<Record<string, string>>
}

/** The key as COS signs it: decoded, with a leading slash. */
export const signedPath = (request: Request): string => `/${O.isSome(request.key) ? request.key.value : ''}`

/** The headers that are signed. */
export const signedHeaders = (headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => isSigned(name)))

/**
 * Addresses and signs a request.
 *
 * @shape  without credentials the request is unsigned, for public buckets
 * @units  `now` in milliseconds of Unix time
 */
export const sign = (
  endpoint: Endpoint,
  request: Request,
  credentials: Credentials | undefined,
  now: number
): Signed => {
  const target = targetOf(endpoint, request)
  const headers: Record<string, string> = { ...request.headers, host: target.host }
  if (credentials?.sessionToken !== undefined) headers['x-cos-security-token'] = credentials.sessionToken
  if (credentials !== undefined) {
    headers['authorization'] = authorization(
      {
        secretId: credentials.secretId,
        secretKey: credentials.secretKey,
        keyTime: keyTime(now),
        method: request.method,
        path: signedPath(request),
        query: request.query,
        headers: signedHeaders(headers)
      },
      encodeHeaderBytes
    )
  }
  const query = queryText(request.query, urlEncode)
  return { ...target, headers, requestTarget: query === '' ? target.path : `${target.path}?${query}` }
}
