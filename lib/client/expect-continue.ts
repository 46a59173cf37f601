/**
 * `Expect: 100-continue`: the head goes first, and the body only when COS says so. undici has it for HTTP/2 alone, so
 * these requests go by `node:http`, each over a connection of its own.
 */
import * as http from 'node:http'
import * as https from 'node:https'
import { once } from 'node:events'
import type { Readable } from 'node:stream'

export interface ContinueRequest {
  readonly method: string
  readonly origin: string
  readonly requestTarget: string
  readonly headers: Readonly<Record<string, string>>
  readonly bytes: AsyncIterable<Uint8Array>
  readonly signal: AbortSignal
}

export interface RawResponse {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly body: Readable
}

// A server that knows nothing of it waits for the body; RFC 9110 has the client not wait for ever.
const continueTimeout = 1000

/** The name that the certificate must be for: the host's that was asked for, wherever it was connected to. */
const serverName = (host: string): string => host.replace(/:\d+$/, '')

/**
 * Sends a request that asks before it sends its body. Refused, it never sends it.
 *
 * @errors rejects with Node's own errors, and with those of `bytes`
 */
export const requestWithContinue = (asking: ContinueRequest): Promise<RawResponse> =>
  new Promise((resolve, reject) => {
    const { method, origin, requestTarget, headers, bytes, signal } = asking
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
    let begun = false
    const sendBody = async (): Promise<void> => {
      if (begun) return
      begun = true
      clearTimeout(timer)
      for await (const chunk of bytes) {
        if (!request.write(chunk)) await once(request, 'drain', { signal })
      }
      request.end()
    }
    const begin = (): void => {
      sendBody().catch((thrown: unknown) => {
        // First, or the connection's own end would be taken for the cause.
        reject(thrown instanceof Error ? thrown : new Error(String(thrown)))
        request.destroy()
      })
    }
    const timer = setTimeout(begin, continueTimeout)
    request.on('continue', begin)
    request.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    request.on('response', (response) => {
      begun = true
      clearTimeout(timer)
      // Refused before the body began, or half-way: the connection ends with the answer.
      response.on('close', () => request.destroy())
      resolve({ statusCode: response.statusCode ?? 0, headers: response.headers, body: response })
    })
    request.flushHeaders()
  })
