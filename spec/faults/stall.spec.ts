/**
 * Stalls: the server at each point of an exchange, the source of a body, the reader of a body, and all that a call waits
 * for besides. An abort in each state settles the call within 50 ms, and each deadline comes within 10 % of its time.
 *
 *     npm run faults -- stall     the table of both; `npm test` takes a sample
 */
import { createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import t, { type Test } from 'tap'
import * as Cos from '../../lib/index.js'
import type { Client, ClientConfig, CosEffect } from '../../lib/index.js'
import { bytesOf } from '../support/bytes.js'
import { from } from '../support/iterables.js'
import { listen } from '../support/listen.js'
import { isLongForm, sampleOf } from '../support/long-form.js'
import { at, clientOf } from '../support/server.js'
import { readBody } from './read-body.js'

const MiB = 1024 * 1024

// -- servers --
const head = [
  'HTTP/1.1 200 OK',
  'ETag: "e"',
  'Last-Modified: Fri, 27 Nov 2026 00:00:00 GMT',
  'x-cos-request-id: r',
  'Content-Length: 4000000',
  '',
  ''
].join('\r\n')
const failure = 'HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n'

/** Where a server stalls: what it sends before, and whether it reads the body of the request. */
const stalls = {
  'before it reads the body': { sends: '', reads: false },
  'before the head': { sends: '', reads: true },
  'in the head': { sends: head.slice(0, 30), reads: true },
  'after the head': { sends: head, reads: true },
  'in the body': { sends: `${head}<ListBucketResult><Name>${'x'.repeat(100_000)}`, reads: true },
  'after 503': { sends: failure, reads: true },
  'in the handshake': { sends: '', reads: true }
} as const
type Stall = keyof typeof stalls

let now: Stall = 'before the head'
const { address, sockets } = await listen(
  t,
  createServer((socket) => {
    const { sends, reads } = stalls[now]
    socket.once('data', () => {
      if (!reads) socket.pause()
      socket.write(sends)
    })
  })
)

/** A client of the server, which stalls there from now on. */
const clientIn = (t: Test, stall: Stall, config?: Partial<ClientConfig>): Client => {
  now = stall
  const scheme = stall === 'in the handshake' ? 'https' : 'http'
  return clientOf(t, address)({ scheme, retry: { attempts: 1 }, ...config })
}

const untilClosed = async (): Promise<void> => {
  while (sockets.size > 0) await setTimeout(1)
}

const disconnect = async (): Promise<void> => {
  for (const socket of sockets) socket.destroy()
  await untilClosed()
}

// -- calls --
/** Reads the body of a result to its end. */
const read =
  <A extends { readonly body: AsyncIterable<Uint8Array> }>(effect: CosEffect<A>): CosEffect<unknown> =>
  (client) =>
    pipe(effect(client), TE.chain(readBody))

/** Reads the body of a result when its connection has been closed. */
const readLate =
  (effect: CosEffect<Cos.GetObjectResult>): CosEffect<unknown> =>
  (client) =>
    pipe(
      effect(client),
      TE.chainFirstTaskK(() => untilClosed),
      TE.chain((got) => read(() => TE.right(got))(client))
    )

async function* silent(first: number): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytesOf(first)
  await new Promise(() => undefined)
}

const large = bytesOf(8 * MiB)
const get = Cos.send(Cos.getObject({ ...at, resume: false }))
const put = Cos.send(Cos.putObject({ ...at, body: large }))
const putSmall = Cos.send(Cos.putObject({ ...at, body: large.subarray(0, 100_000) }))
/** An effect whose source can be read once, made for each call. */
const fresh =
  (make: () => CosEffect<unknown>): CosEffect<unknown> =>
  (client) =>
    make()(client)
const part = { ...at, partSize: MiB, concurrency: 2 }

interface State {
  readonly name: string
  readonly stall: Stall
  readonly effect: CosEffect<unknown>
  readonly config?: Partial<ClientConfig>
  /** The deadline that ends the state without an abort. */
  readonly phase?: 'connect' | 'headers' | 'idle' | 'unread'
  /** A wait that would pass the deadline is not started. */
  readonly endsAtOnce?: boolean
}

const limit = isLongForm ? 400 : 150

const server: ReadonlyArray<State> = [
  {
    name: 'putObject, the server does not read the body',
    stall: 'before it reads the body',
    effect: put,
    phase: 'idle'
  },
  {
    name: 'uploadStream, before the head',
    stall: 'before the head',
    effect: fresh(() => Cos.uploadStream(part)(from(large.subarray(0, 100_000)))),
    phase: 'headers'
  },
  ...(['before the head', 'in the head'] as const).flatMap((stall): ReadonlyArray<State> => [
    { name: `headObject, ${stall}`, stall, effect: Cos.send(Cos.headObject(at)), phase: 'headers' },
    { name: `putObject, ${stall}`, stall, effect: putSmall, phase: 'headers' },
    {
      name: `listObjects, ${stall}`,
      stall,
      effect: Cos.send(Cos.listObjects({ bucket: at.bucket })),
      phase: 'headers'
    },
    { name: `downloadStream, ${stall}`, stall, effect: read(Cos.downloadStream(part)), phase: 'headers' }
  ]),
  ...(['after the head', 'in the body'] as const).flatMap((stall): ReadonlyArray<State> => [
    { name: `getObject, ${stall}`, stall, effect: read(get), phase: 'idle' },
    {
      name: `listObjects, ${stall}`,
      stall,
      effect: Cos.send(Cos.listObjects({ bucket: at.bucket })),
      phase: 'idle'
    }
  ]),
  {
    name: 'headObject, in the handshake of TLS',
    stall: 'in the handshake',
    effect: Cos.send(Cos.headObject(at)),
    phase: 'connect'
  }
]

const others: ReadonlyArray<State> = [
  { name: 'getObject, the reader stalls', stall: 'in the body', effect: readLate(get), phase: 'unread' },
  {
    name: 'putObject, the source stalls at its start',
    stall: 'before the head',
    effect: fresh(() => Cos.send(Cos.putObject({ ...at, body: silent(0), contentLength: 10 })))
  },
  {
    name: 'putObject, the source stalls in the body',
    stall: 'before the head',
    effect: fresh(() => Cos.send(Cos.putObject({ ...at, body: silent(100_000), contentLength: MiB })))
  },
  {
    name: 'uploadStream, the source stalls',
    stall: 'before the head',
    effect: fresh(() => Cos.uploadStream(part)(silent(100_000)))
  },
  {
    name: 'headObject, the wait before a retry',
    stall: 'after 503',
    effect: Cos.send(Cos.headObject(at)),
    endsAtOnce: true,
    config: { retry: { attempts: 2, base: 3_600_000, cap: 3_600_000, random: () => 0.9 } }
  },
  {
    name: 'headObject, credentials that do not come',
    stall: 'before the head',
    effect: Cos.send(Cos.headObject(at)),
    config: { credentials: () => new Promise(() => undefined) }
  },
  {
    name: 'putObject, the wait of a bandwidth limit',
    stall: 'before the head',
    effect: put,
    config: { bandwidth: { up: 1024 } }
  },
  {
    name: 'putObject with 100-continue',
    stall: 'before the head',
    effect: Cos.send(Cos.putObject({ ...at, body: large, expectContinue: true })),
    phase: 'headers'
  }
]

const states = [...server, ...others]

// -- measures --
/** The longest time that the event loop did not turn, in milliseconds: no code can settle anything then. */
const watchLoop = () => {
  let last = performance.now()
  let longest = 0
  const timer = setInterval(() => {
    const now = performance.now()
    longest = Math.max(longest, now - last - 2)
    last = now
  }, 2)
  return () => {
    clearInterval(timer)
    return Math.max(longest, performance.now() - last - 2)
  }
}

const never = 3_600_000
const table: Array<string> = []

t.test('an abort in each state settles the call within 50 ms', async (t) => {
  for (const state of sampleOf(states, 3)) {
    const timeouts = { connect: 60_000, headers: never, idle: never, unread: never, overall: never }
    const client = clientIn(t, state.stall, { timeouts, ...state.config })
    const controller = new AbortController()
    const call = Cos.withSignal(controller.signal)(state.effect)(client)()
    await Promise.race([call, setTimeout(60)])
    const stopWatch = watchLoop()
    const start = performance.now()
    controller.abort()
    const result = await Promise.race([call, setTimeout(5000, 'late' as const)])
    const after = performance.now() - start - stopWatch()
    if (result === 'late') t.fail(`${state.name}: not settled`)
    else {
      t.match(result, { left: { _tag: 'Aborted' } }, state.name)
      t.ok(after <= 50, `${state.name}: ${after.toFixed(1)} ms`)
      table.push(`abort     ${state.name}: ${Math.max(0, after).toFixed(1)} ms`)
    }
    await client.close()
    await disconnect()
  }
})

t.test('each deadline ends its state within 10 % of its time', async (t) => {
  const inTime = states.flatMap((state) => {
    const overall = {
      ...state,
      of: 'overall',
      run: (client: Client) => Cos.withTimeout(limit)(state.effect)(client)
    }
    return [
      ...(state.phase === undefined ? [] : [{ ...state, of: state.phase, run: state.effect }]),
      ...(state.endsAtOnce === true ? [] : [overall])
    ]
  })
  for (const { name, stall, of, run, config } of sampleOf(inTime, 5)) {
    const timeouts = { connect: 60_000, headers: never, idle: never, unread: never, overall: never }
    const client = clientIn(t, stall, {
      timeouts: of === 'overall' ? timeouts : { ...timeouts, [of]: limit },
      ...config
    })
    const stopWatch = watchLoop()
    const start = performance.now()
    const result = await Promise.race([run(client)(), setTimeout(20 * limit, 'late' as const)])
    const after = performance.now() - start
    const blocked = stopWatch()
    const title = `${name}: ${of}, ${after.toFixed(0)} ms of ${String(limit)}, ${blocked.toFixed(0)} ms blocked`
    if (result === 'late') t.fail(title)
    else {
      t.match(result, { left: { _tag: 'Timeout', phase: of } }, title)
      // The time before the state, such as that to the head of a response, is not part of the deadline.
      t.ok(after >= limit * 0.99 && after <= limit * 1.1 + blocked + (isLongForm ? 0 : 30), title)
      table.push(`deadline  ${title}`)
    }
    await client.close()
    await disconnect()
  }
})

t.teardown(() => {
  if (isLongForm) for (const line of table) console.log(`# ${line}`)
})
