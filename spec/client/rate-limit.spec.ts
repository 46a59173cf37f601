import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import t from 'tap'
import { openBody } from '../../lib/client/open-body.js'
import { createRateLimiters, rateLimiter } from '../../lib/client/rate-limit.js'
import { sendBody } from '../../lib/client/send-body.js'
import { send } from '../../lib/client/send.js'
import { toBody } from '../../lib/core/request.js'
import { sleep } from '../../lib/core/runtime.js'
import { getObject, headObject, putObject, toBuffer } from '../../lib/index.js'
import { createVirtualTime } from '../../lib/testing/index.js'
import { bytesOf } from '../support/bytes.js'
import { bucket, startCos } from '../support/cos.js'
import { probeOpen, probePut } from '../support/minimal-operations.js'
import { at, credentials, left, right, startServer } from '../support/server.js'
import { createClient } from '../../lib/client/client.js'

t.test('a limiter returns how long to wait, and allows a burst of 25 ms after a pause', (t) => {
  let now = 1000
  const pace = rateLimiter(1000, () => now)
  t.equal(pace(25), 0, 'a burst')
  t.equal(pace(100), 100)
  t.equal(pace(100), 200)
  now += 10_000
  t.equal(pace(25), 0)
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

t.test('the requests of each direction share the bandwidth, within the limits of COS', (t) => {
  const { start } = createRateLimiters({ up: 500_000, down: 1e9 }, () => 0)
  const limits = (operation: string, count: number) =>
    Array.from({ length: count }, () => start(operation)).map((request) => request?.trafficLimit)
  t.strictSame(limits('UploadPart', 2), [4_000_000, 2_000_000])
  t.strictSame(limits('PutObject', 2), [1_333_333, 1_000_000])
  t.strictSame(limits('UploadPart', 1), [undefined], '800,000 bit/s are below the minimum')
  t.strictSame(limits('GetObject', 11).slice(8), [undefined, 800_000_000, 727_272_727], 'the maximum')
  t.strictSame(limits('HeadObject', 1), [undefined])
  t.equal(start('HeadObject'), undefined, 'no object passes')
  t.equal(createRateLimiters(undefined, () => 0).start('GetObject'), undefined)
  const again = createRateLimiters({ down: 1_000_000 }, () => 0)
  const first = again.start('GetObject')
  first?.end()
  first?.end()
  t.equal(again.start('GetObject')?.trafficLimit, 8_000_000, 'a request that has ended has no share')
  t.end()
})

t.test(
  'uploads and downloads carry their share as x-cos-traffic-limit, signed, and a trafficLimit of the caller stays',
  async (t) => {
    const cos = await startCos(t)
    const client = cos.client({ bandwidth: { up: 1_000_000, down: 2_000_000 } })
    const ref = { bucket, key: 'k' }
    right(await send(putObject({ ...ref, body: 'abc' }))(client)())
    right(await send(putObject({ ...ref, body: 'abc', trafficLimit: 819_200 }))(client)())
    right(await pipe(send(getObject(ref)), RTE.chain(toBuffer(10)))(client)())
    right(await pipe(send(getObject(ref)), RTE.chain(toBuffer(10)))(client)())
    right(await send(headObject(ref))(client)())
    t.strictSame(
      cos.emulator.requests().map(({ headers, status }) => [headers['x-cos-traffic-limit'], status]),
      [
        ['8000000', 200],
        ['819200', 200],
        ['16000000', 200],
        ['16000000', 200],
        [undefined, 200]
      ]
    )
  }
)

t.test(
  'in each second, parallel bodies have at most 105 % of the bandwidth, and 95 % while there is enough to send',
  async (t) => {
    const rate = 1_000_000
    const time = createVirtualTime({ seed: 1 })
    const limiters = createRateLimiters({ up: rate }, time.runtime.elapsed)
    const sent: Array<readonly [at: number, bytes: number]> = []
    const sendOne = async (n: number): Promise<void> => {
      await sleep(time.runtime, 300 * n)
      const body = right(
        await openBody(
          { operation: 'PutObject', bucket, key: O.none, attempts: 1 },
          toBody(bytesOf(1_000_000, n))
        )()
      )
      const idle = {
        wait: () => undefined,
        rest: () => undefined,
        close: () => undefined,
        onExpiry: () => undefined
      }
      for await (const chunk of sendBody({
        body,
        context: { operation: 'PutObject', bucket, key: O.none, attempts: 1 },
        limit: limiters.up,
        chunkSize: limiters.chunkUp,
        runtime: time.runtime,
        timer: idle,
        counted: { size: 0, crc64: O.none },
        ended: new AbortController().signal,
        report: () => undefined
      }))
        sent.push([time.elapsed(), chunk.length])
    }
    await time.run(async () => {
      await Promise.all([0, 1, 2, 3].map(sendOne))
    })
    const inWindow = (from: number): number =>
      sent.filter(([at]) => at >= from && at < from + 1000).reduce((sum, [, bytes]) => sum + bytes, 0)
    const windows = Array.from({ length: 120 }, (_, n) => inWindow(n * 25)).map((bytes) => bytes / rate)
    t.ok(Math.max(...windows) <= 1.05, `${String(Math.max(...windows))} at most`)
    t.ok(Math.min(...windows) >= 0.95, `${String(Math.min(...windows))} at least`)
  }
)
