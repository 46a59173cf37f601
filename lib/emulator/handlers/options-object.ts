/** OPTIONS Object: the preflight request of a browser. */
import * as E from 'fp-ts/lib/Either.js'
import type { Handler } from '../http/request.js'
import { empty } from '../http/response.js'
import { fail } from '../http/service-error.js'
import { corsHeaders } from './shared/cors.js'
import { bucketOf } from './shared/objects.js'

export const optionsObject: Handler = (context, request) => async () => {
  const bucket = bucketOf(context, request)
  if (E.isLeft(bucket)) return bucket
  const { origin, ...others } = request.headers
  const method = others['access-control-request-method']
  if (origin === undefined || method === undefined)
    return fail('InvalidRequest', 'A preflight needs Origin and Access-Control-Request-Method.')
  const headers = (others['access-control-request-headers'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
  const allowed = corsHeaders(bucket.right, context.settings.cors, { origin, method, headers })
  return allowed === undefined ? fail('AccessForbidden') : E.right(empty(200, allowed))
}
