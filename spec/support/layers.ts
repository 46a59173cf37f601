/** A layer's inside for specs: a `Send` with scripted results. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { CosError, ServiceError, TransportError } from '../../lib/core/error.js'
import { emptyBody } from '../../lib/core/body.js'
import { get, type Request } from '../../lib/core/request.js'
import { createCall, type Call, type Send } from '../../lib/client/call.js'
import { at } from './server.js'

export const request: Request = get(at)

/** A request whose body can be read once. */
export const requestOnce: Request = {
  ...request,
  method: 'PUT',
  body: { _tag: 'Once', stream: (async function* () {})(), size: O.none }
}

export const newCall = (): Call => createCall('Spec', { ...request, body: emptyBody })

export type Result = E.Either<CosError, string>

export interface ScriptedSend {
  readonly send: Send<string>
  /** The call as each attempt saw it. */
  readonly calls: ReadonlyArray<Call>
}

/** Counts attempts, and settles each with the next result; the last result is repeated. */
export const createScripted = (...results: ReadonlyArray<Result>): ScriptedSend => {
  const calls: Array<Call> = []
  return {
    calls,
    send: (_, call) => async () => {
      calls.push(call)
      call.nextAttempt()
      return results[Math.min(calls.length, results.length) - 1] ?? E.right('')
    }
  }
}

/** An error as COS sends it. */
export const serviceError = (
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {}
): ServiceError => ({
  _tag: 'ServiceError',
  context: { operation: 'Spec', bucket: '', key: O.none, attempts: 1 },
  status,
  code,
  message: '',
  resource: '',
  requestId: '',
  traceId: '',
  headers
})

/** A connection that failed before the response. */
export const transportError = (code: string): TransportError => ({
  _tag: 'TransportError',
  context: { operation: 'Spec', bucket: '', key: O.none, attempts: 1 },
  host: 'cos.example',
  code,
  cause: new Error(code)
})
