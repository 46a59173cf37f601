/**
 * A server that counts the bytes of uploads as they arrive, and sends zeros, in a separate process. It sends its port to its
 * parent; after a message, the arrivals since the last one.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Arrival {
  /** In milliseconds, monotonic. */
  readonly at: number
  readonly bytes: number
}

const zeros = Buffer.alloc(64 * 1024)
let arrivals: Array<Arrival> = []

const server = createServer((request, response) => {
  request.on('data', (chunk: Buffer) => arrivals.push({ at: performance.now(), bytes: chunk.length }))
  request.on('end', () => {
    const etag = '"00000000000000000000000000000000"'
    if (request.method === 'PUT') {
      response.writeHead(200, { etag, 'content-length': 0 }).end()
      return
    }
    const size = Number(/zeros-(\d+)/.exec(request.url ?? '')?.[1] ?? 0)
    let left = size
    response.writeHead(200, {
      ...{ etag, 'last-modified': 'Wed, 01 May 2024 08:31:00 GMT', 'content-length': size }
    })
    const more = (): void => {
      while (left > 0) {
        const chunk = zeros.subarray(0, Math.min(left, zeros.length))
        left -= chunk.length
        if (!response.write(chunk)) return void response.once('drain', more)
      }
      response.end()
    }
    more()
  })
})
process.on('message', () => {
  process.send?.(arrivals)
  arrivals = []
})
process.on('disconnect', () => process.exit())
server.listen(0, '127.0.0.1', () => {
  process.send?.((server.address() as AddressInfo).port)
})
