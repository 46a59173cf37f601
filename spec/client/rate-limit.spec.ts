import t from 'tap'
import { rateLimiter } from '../../lib/client/rate-limit.js'
import { send } from '../../lib/client/send.js'
import { bytesOf } from '../support/bytes.js'
import { probeOpen, probePut } from '../support/minimal-operations.js'
import { at, credentials, left, right, startServer } from '../support/server.js'
import { createClient } from '../../lib/client/client.js'

t.test('a limiter returns how long to wait, and allows a burst of 50 ms after a pause', (t) => {
  let now = 1000
  const pace = rateLimiter(1000, () => now)
  t.equal(pace(50), 0, 'a burst')
  t.equal(pace(100), 100)
  t.equal(pace(100), 200)
  now += 10_000
  t.equal(pace(50), 0)
  t.equal(pace(1000), 1000)
  t.equal(rateLimiter(undefined, () => now)(1e12), 0)
  t.end()
})

t.test('parallel requests share the limit of each direction', async (t) => {
  const bytes = bytesOf(100_000)
  const server = await startServer(t, (seen, response) => response.end(seen.method === 'GET' ? bytes : ''))
  const client = server.client({ bandwidth: { up: 400_000, down: 400_000 } })
  for (const call of [
    async () => right(await send(probePut({ ...at, body: bytes }))(client)()).sent.size,
    async () =>
      Buffer.concat((await right(await send(probeOpen(at))(client)()).toArray()) as Array<Buffer>).length
  ]) {
    const began = performance.now()
    t.same(await Promise.all([call(), call()]), [bytes.length, bytes.length])
    const took = performance.now() - began
    // 200,000 bytes at 400,000 per second take 500 ms, less the burst, and less the last chunk of a download, which is
    // not waited for.
    t.ok(took > 200, `${String(took)} ms`)
  }
})

t.test('createClient refuses a limit that is out of range, and names the field', (t) => {
  for (const [field, bandwidth] of [
    ['bandwidth.up', { up: 0 }],
    ['bandwidth.down', { down: 1.5 }]
  ] as const) {
    t.match(left(createClient({ region: 'ap-guangzhou', credentials, bandwidth })), {
      _tag: 'InvalidInput',
      field
    })
  }
  t.end()
})
