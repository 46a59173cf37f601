/**
 * Requests that the Python and Go SDKs and OpenDAL sent, byte for byte, against the emulator: each method, target, header
 * and signature is theirs. A wrong signature would be 403.
 */
import { readFileSync } from 'node:fs'
import * as http from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { startTestEmulator } from '../../support/signed.js'

interface Recording {
  /** Milliseconds of Unix time at which all signatures are valid. */
  readonly now: number
  readonly requests: ReadonlyArray<{
    readonly sdk: string
    readonly method: string
    /** The absolute form, as to a proxy. */
    readonly target: string
    readonly headers: ReadonlyArray<readonly [string, string]>
    /** Latin-1. */
    readonly body: string
    readonly status: number
  }>
}

type Recorded = Recording['requests'][number]

const recordings = ['sdk-requests.json', 'opendal-requests.json'].map(
  (name) => JSON.parse(readFileSync(join(import.meta.dirname, '../../vectors', name), 'utf8')) as Recording
)

const send = (port: number, { method, target, headers, body }: Recorded): Promise<number> =>
  new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path: target, setHost: false }
    const request = http.request({ ...options, headers: headers.flat() }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    request.on('error', reject)
    request.end(Buffer.from(body, 'latin1'))
  })

/** Changes the last digit of the signature. */
const forge = (text: string): string =>
  text.replace(
    /(q-signature=[0-9a-f]{39})([0-9a-f])/,
    (_, start: string, last: string) => `${start}${last === '0' ? '1' : '0'}`
  )

const clients = recordings.flatMap(({ now, requests }) =>
  [...new Set(requests.map((request) => request.sdk))].map((sdk) => ({ sdk, now, requests }))
)

for (const { sdk, now, requests } of clients)
  t.test(`the requests of ${sdk} are served as when they were recorded`, async (t) => {
    const { port } = await startTestEmulator(t, { now: () => now })
    const recorded = requests.filter((request) => request.sdk === sdk)
    t.ok(recorded.length > 40)
    for (const request of recorded) {
      const { method, target, headers, status } = request
      const name = `${method} ${target.replace(/^http:\/\/|q-sign-algorithm.*/g, '').slice(0, 120)}`
      const forged = { ...request, target: forge(target) }
      const values = headers.map(([header, value]) => [header, forge(value)] as const)
      // A preflight needs no signature.
      if (method !== 'OPTIONS')
        t.equal(await send(port, { ...forged, headers: values }), 403, `${name}, forged`)
      t.equal(await send(port, request), status, name)
    }
  })
