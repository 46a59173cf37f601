/** The checks of a request that need the client it is sent with. */
import * as E from 'fp-ts/lib/Either.js'
import { hostOf } from '../core/address.js'
import { invalidInput, type Context, type InvalidInput } from '../core/error.js'
import { conflict } from '../core/problem.js'
import type { Request } from '../core/request.js'
import type { Client } from './client.js'

const isLoopback = (host: string): boolean =>
  /^(?:127(?:\.\d{1,3}){3}|localhost\.?|\[::1\])(?::\d+)?$/.test(host)

/** Whether a customer's key would cross a network in plain text. Over the loopback it may. */
const exposesKey = ({ endpoint }: Client, request: Request): boolean =>
  endpoint.scheme === 'http' &&
  Object.keys(request.headers).some((name) => name.endsWith('-customer-key')) &&
  !isLoopback(endpoint.address ?? hostOf(endpoint, request.bucket))

/**
 * Checks a request against the client.
 *
 * @errors `InvalidInput`: `sse` with a customer's key over plain HTTP; `expectContinue` with a dispatcher of the caller's
 */
export const checkRequest = (
  client: Client,
  request: Request,
  context: Context
): E.Either<InvalidInput, Request> => {
  if (exposesKey(client, request)) {
    return E.left(
      invalidInput(context, conflict('sse', "not sent over scheme: 'http' (it is a key); use https"))
    )
  }
  if (request.expectContinue && client.dispatcherIsGiven) {
    const message =
      'not supported with a dispatcher of your own (undici dispatchers send it over HTTP/2 only)'
    return E.left(invalidInput(context, conflict('expectContinue', message)))
  }
  return E.right(request)
}
