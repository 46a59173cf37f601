/**
 * `Expect: 100-continue`: the head is sent first, and the body when COS responds with 100. undici supports this only for
 * HTTP/2, so these requests use `node:http`, each with a new connection.
 */
import * as http from 'node:http'
import * as https from 'node:https'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import type { Runtime } from '../core/runtime.js'
import { readAfterFailedWrite } from './failed-write.js'

export interface ContinueRequest {
  readonly method: string
  readonly origin: string
  readonly requestTarget: string
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: AsyncIterable<Uint8Array>
  readonly signal: AbortSignal
  readonly runtime: Runtime
}

export interface RawResponse {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly body: Readable
}

// In milliseconds. A server that does not know the header waits for the body; RFC 9110 forbids to wait for ever.
const continueTimeout = 1000

/** The name that the certificate must have: that of the Host header, not that of the address connected to. */
const serverName = (host: string): string => host.replace(/:\d+$/, '')

/**
 * Sends the head of a request, and its body after a 100. If COS refuses the request, the body is not sent, or its rest is not,
 * and its source is closed.
 *
 * @errors rejects with Node's own errors, and with those of `bytes`
 */
export const requestWithContinue = (input: ContinueRequest): Promise<RawResponse> =>
  new Promise((resolve, reject) => {
    const { method, origin, requestTarget, headers, bytes, signal, runtime } = input
    const { protocol, hostname, port } = new URL(origin)
    const secure = protocol === 'https:'
    const request = (secure ? https : http).request({
      method,
      hostname: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? (secure ? 443 : 80) : Number(port),
      path: requestTarget,
      headers: { ...headers, expect: '100-continue', connection: 'close' },
      agent: false,
      signal,
      ...(secure ? { servername: serverName(headers['host'] ?? hostname) } : {})
    })
    let isBodyStarted = false
    /** Fires at the response: then the rest of the body is not sent. */
    const answered = new AbortController()
    const stop = AbortSignal.any([signal, answered.signal])
    const waitForDrain = async (): Promise<void> => {
      await once(request, 'drain', { signal: stop }).catch((thrown: unknown) => {
        if (!answered.signal.aborted) throw thrown
      })
    }
    const sendBody = async (): Promise<void> => {
      if (isBodyStarted) return
      isBodyStarted = true
      stopTimer()
      for await (const chunk of bytes) {
        if (!answered.signal.aborted && !request.write(chunk)) await waitForDrain()
        if (answered.signal.aborted) return
      }
      request.end()
    }
    const startBody = (): void => {
      sendBody().catch((thrown: unknown) => {
        // Rejects before `destroy`; otherwise the end of the connection would be reported as the cause.
        reject(thrown instanceof Error ? thrown : new Error(String(thrown)))
        request.destroy()
      })
    }
    const stopTimer = runtime.startTimer(continueTimeout, startBody)
    request.on('continue', startBody)
    request.on('socket', readAfterFailedWrite)
    request.on('error', (error) => {
      stopTimer()
      answered.abort()
      reject(error)
    })
    request.on('response', (response) => {
      isBodyStarted = true
      stopTimer()
      answered.abort()
      // COS may refuse the request before or during its body. So the connection ends with the response.
      response.on('close', () => request.destroy())
      resolve({ statusCode: response.statusCode ?? 0, headers: response.headers, body: response })
    })
    request.flushHeaders()
  })
