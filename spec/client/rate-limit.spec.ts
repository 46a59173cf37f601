import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import t from 'tap'
import { openBody } from '../../lib/client/open-body.js'
import { createRateLimiters, rateLimiter } from '../../lib/client/rate-limit.js'
import { receiveBody } from '../../lib/client/receive-body.js'
import { sendBody } from '../../lib/client/send-body.js'
import { send } from '../../lib/client/send.js'
import { fromUnknown } from '../../lib/core/error.js'
import { toBody } from '../../lib/core/body.js'
import { getObject, headObject, putObject, toBuffer } from '../../lib/index.js'
import { createVirtualTime } from '../../lib/testing/index.js'
import { bytesOf } from '../support/bytes.js'
import { bucket, startCos } from '../support/cos.js'
import { isLongForm } from '../support/long-form.js'
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

interface PassedBytes {
  readonly at: number
  readonly bytes: number
}

/** The smallest and the largest part of the rate that passes in a second, from 0 to 3 s. */
const extremes = (passed: ReadonlyArray<PassedBytes>, rate: number): { least: number; most: number } => {
  const windows = Array.from({ length: 80 }, (_, n) => {
    const from = n * 25
    const within = passed.filter(({ at }) => at >= from && at < from + 1000)
    return within.reduce((sum, { bytes }) => sum + bytes, 0) / rate
  })
  return { least: Math.min(...windows), most: Math.max(...windows) }
}

const context = { operation: 'PutObject', bucket, key: O.none, attempts: 1 } as const
const idle = {
  wait: () => undefined,
  rest: () => undefined,
  close: () => undefined,
  onExpiry: () => undefined
}

/** Bodies that are sent and read at the same time, in virtual time, with a limit for both directions. */
const pass = async (
  rate: number,
  bodies: number
): Promise<{ up: ReadonlyArray<PassedBytes>; down: ReadonlyArray<PassedBytes> }> => {
  const time = createVirtualTime({ seed: 1 })
  const limiters = createRateLimiters({ up: rate, down: rate }, time.runtime.elapsed)
  const size = Math.ceil((3.5 * rate) / bodies)
  const [up, down]: [Array<PassedBytes>, Array<PassedBytes>] = [[], []]
  const sendOne = async (n: number): Promise<void> => {
    const body = right(await openBody(context, toBody(bytesOf(size, n)))())
    for await (const { length: bytes } of sendBody({
      ...{ body, context, timer: idle, runtime: time.runtime, report: () => undefined },
      ...limiters.up,
      counted: { size: 0, crc64: O.none },
      ended: new AbortController().signal
    }))
      up.push({ at: time.elapsed(), bytes })
  }
  const receiveOne = async (): Promise<void> => {
    // Chunks come as soon as the connection is read, as from a near server.
    const state = { left: size, isPaused: false }
    const connection = {
      pause: () => {
        state.isPaused = true
      },
      resume: () => {
        state.isPaused = false
        time.runtime.startTimer(0, arrive)
      },
      abort: () => undefined
    }
    const received = receiveBody(connection, idle, limiters.down, time.runtime, fromUnknown(context))
    const arrive = (): void => {
      while (!state.isPaused && state.left > 0) {
        const bytes = Math.min(65_536, state.left)
        state.left -= bytes
        received.push(new Uint8Array(bytes))
        if (state.left === 0) received.end()
      }
    }
    time.runtime.startTimer(0, arrive)
    for await (const chunk of received.body)
      down.push({ at: time.elapsed(), bytes: (chunk as Uint8Array).length })
  }
  await time.run(async () => {
    await Promise.all(
      Array.from({ length: bodies }, async (_, n) => {
        await Promise.all([sendOne(n), receiveOne()])
      })
    )
  })
  for (const direction of [up, down])
    if (direction.reduce((sum, { bytes }) => sum + bytes, 0) !== bodies * size)
      throw new Error('bytes are lost')
  return { up, down }
}

t.test('in each second, parallel bodies have 95 to 105 % of the bandwidth in both directions', async (t) => {
  for (const rate of isLongForm ? [1024, 10_000, 100_000, 1_000_000, 8_000_000] : [100_000, 1_000_000])
    for (const bodies of [1, 4, 16]) {
      const passed = await pass(rate, bodies)
      for (const direction of ['up', 'down'] as const) {
        const { least, most } = extremes(passed[direction], rate)
        const name = `${direction}, ${String(rate)} bytes/s, ${String(bodies)} bodies`
        t.ok(most <= 1.05, `${name}: ${String(most)} at most`)
        t.ok(least >= 0.95, `${name}: ${String(least)} at least`)
      }
    }
})
