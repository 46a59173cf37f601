import { setTimeout } from 'node:timers/promises'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Readable } from 'node:stream'
import { inspect } from 'node:util'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import type { Dispatcher } from 'undici'
import { authorization } from '../../lib/core/signature.js'
import { createClient, type Timeouts } from '../../lib/client/client.js'
import { withRetry, withSignal, withTimeout } from '../../lib/client/combinators.js'
import { run, send } from '../../lib/client/send.js'
import { objectExists } from '../../lib/operations/object-exists.js'
import { becomesTrue, waitFor } from '../support/wait-for.js'
import { probeGet, probeOpen, probePut } from '../support/minimal-operations.js'
import { settlesWithin } from '../support/settles-within.js'
import {
  at,
  clientOf,
  credentials,
  left,
  sendServiceError,
  right,
  secretKey,
  startServer
} from '../support/server.js'

const field = (text: string, name: string): string => new RegExp(`${name}=([^&]*)`).exec(text)?.[1] ?? ''

t.test('an effect sends nothing before its task is called, and sends again at each call', async (t) => {
  const server = await startServer(t, (_, response) => response.end('yes'))
  const task = run(server.client())(send(probeGet(at)))
  await setTimeout(20)
  t.equal(server.received.length, 0)
  t.equal(right(await task()).text, 'yes')
  t.equal(right(await task()).text, 'yes')
  t.equal(server.received.length, 2)
})

t.test("a request has COS's host, and its signature covers the request as it arrives", async (t) => {
  const server = await startServer(t, (_, response) => response.end())
  const key = 'a b/../腾讯+云!'
  const query = { 'x y': 'a+b/ü', plain: '' }
  right(await send(probePut({ ...at, key, query, body: 'hello' }))(server.client())())
  const seen = server.received[0]!
  t.equal(seen.target, '/a%20b/..%2F%E8%85%BE%E8%AE%AF%2B%E4%BA%91%21?x%20y=a%2Bb%2F%C3%BC&plain=')
  t.equal(seen.headers.host, 'examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com')
  t.equal(seen.headers['content-length'], '5')
  t.equal(seen.body.toString(), 'hello')
  const sent = seen.headers.authorization ?? ''
  t.equal(field(sent, 'q-header-list'), 'content-length;host')
  t.equal(
    sent,
    authorization({
      ...credentials,
      keyTime: field(sent, 'q-sign-time'),
      method: 'PUT',
      path: `/${key}`,
      query,
      headers: { 'content-length': '5', host: seen.headers.host ?? '' }
    })
  )
})

t.test(
  'a session token is sent and signed, and the request of an anonymous client is unsigned',
  async (t) => {
    const server = await startServer(t, (_, response) => response.end())
    const token = 'tok/en+with=all'
    await send(probeGet(at))(server.client({ credentials: { ...credentials, sessionToken: token } }))()
    await send(probeGet(at))(server.client({ credentials: 'anonymous' }))()
    t.equal(server.received[0]?.headers['x-cos-security-token'], token)
    t.match(server.received[0]?.headers.authorization, /q-header-list=host;x-cos-security-token&/)
    t.equal(server.received[1]?.headers.authorization, undefined)
  }
)

t.test('invalid input is a Left that names the field, and nothing is sent', async (t) => {
  const server = await startServer(t, (_, response) => response.end())
  const client = server.client()
  const wrong = [
    ['bucket', { ...at, bucket: 'no-appid' }],
    ['bucket', { ...at, bucket: 'evil.example.com/x-1' }],
    ['key', { ...at, key: '' }],
    ['key', { ...at, key: 'a/..' }],
    ['key', { ...at, key: 'k'.repeat(851) }],
    ['contentLength', { ...at, contentLength: -1 }],
    ['headers', { ...at, headers: { Authorization: 'mine' } }],
    ['headers.x', { ...at, headers: { x: 'a\r\nhost: b' } }]
  ] as const
  for (const [name, input] of wrong) {
    const error = left(await send(probePut(input))(client)())
    t.match(error, { _tag: 'InvalidInput', field: name, context: { operation: 'ProbePut', attempts: 0 } })
  }
  t.equal(server.received.length, 0)
})

t.test('a transient error is retried up to four attempts, each signed and marked as a retry', async (t) => {
  const server = await startServer(t, (_, response, count) => {
    if (count < 4) sendServiceError(response, 503, 'SlowDown')
    else response.end('at last')
  })
  t.equal(right(await send(probePut({ ...at, body: 'again' }))(server.client())()).text, 'at last')
  t.same(
    server.received.map((seen) => [seen.body.toString(), seen.headers['x-cos-sdk-retry']]),
    [
      ['again', undefined],
      ['again', 'true'],
      ['again', 'true'],
      ['again', 'true']
    ]
  )
  t.match(server.received[3]?.headers.authorization, /q-header-list=content-length;host;x-cos-sdk-retry&/)
})

t.test('after the last attempt the error is the last one, with the number of attempts', async (t) => {
  const server = await startServer(t, (_, response) => {
    sendServiceError(response, 500, 'InternalError')
  })
  t.match(left(await send(probeGet(at))(server.client())()), {
    _tag: 'ServiceError',
    status: 500,
    code: 'InternalError',
    requestId: 'NjYwMWE5YzRf',
    context: { operation: 'ProbeGet', bucket: at.bucket, key: O.some(at.key), attempts: 4 }
  })
  const once = withRetry({ attempts: 1 })(send(probeGet(at)))
  t.match(left(await once(server.client())()), { context: { attempts: 1 } })
  t.equal(server.received.length, 5)
})

t.test('a permanent error is not retried', async (t) => {
  const server = await startServer(t, (_, response) => {
    sendServiceError(response, 404, 'NoSuchKey')
  })
  t.match(left(await send(probeGet(at))(server.client())()), { code: 'NoSuchKey', context: { attempts: 1 } })
  t.equal(server.received.length, 1)
})

t.test('a stream that can be read once is sent once', async (t) => {
  const server = await startServer(t, (_, response) => {
    sendServiceError(response, 503, 'SlowDown')
  })
  const body = (async function* () {
    yield Buffer.from('only')
    yield Buffer.from(' once')
  })()
  t.match(left(await send(probePut({ ...at, body }))(server.client())()), {
    status: 503,
    context: { attempts: 1 }
  })
  // The first request that is signed, and cannot be repeated, follows a HEAD for the time.
  t.same(
    server.received.map(({ method, body: sent }) => [method, sent.toString()]),
    [
      ['HEAD', ''],
      ['PUT', 'only once']
    ]
  )
  t.equal(server.received[1]?.headers['transfer-encoding'], 'chunked')
})

t.test('streams that can be read once arrive though our clock is wrong, alone and in parallel', async (t) => {
  const hour = 3_600_000
  const server = await startServer(t, ({ headers }, response) => {
    const start = Number(field(headers.authorization ?? '', 'q-sign-time').split(';')[0]) * 1000
    const date = new Date(Date.now() + hour).toUTCString()
    if (Math.abs(start - Date.now() - hour) > 900_000) {
      sendServiceError(response, 403, 'RequestTimeTooSkewed', { date })
    } else response.writeHead(200, { date }).end()
  })
  const client = server.client()
  const put = () => send(probePut({ ...at, body: Readable.from([Buffer.from('x')]) }))(client)()
  for (const result of await Promise.all([put(), put(), put()])) right(result)
  t.same(
    server.received.map(({ method }) => method),
    ['HEAD', 'PUT', 'PUT', 'PUT']
  )
  const other = server.client()
  for (const result of await Promise.all([1, 2, 3].map(() => send(probeGet(at))(other)()))) right(result)
})

t.test('a replayable body is opened for each attempt', async (t) => {
  const server = await startServer(t, (_, response, count) => {
    if (count === 1) response.destroy()
    else response.end()
  })
  let opened = 0
  const body = {
    size: 6,
    async *open() {
      opened += 1
      yield Buffer.from('abc')
      yield Buffer.from('def')
    }
  }
  const { sent } = right(await send(probePut({ ...at, body }))(server.client())())
  t.equal(opened, 2)
  t.equal(sent.size, 6)
  t.equal(server.received[1]?.body.toString(), 'abcdef')
})

t.test('the size and the CRC64 of a body are counted while it is sent', async (t) => {
  const server = await startServer(t, (_, response) => response.end())
  const { sent } = right(await send(probePut({ ...at, body: '123456789' }))(server.client())())
  // CRC-64/XZ by its catalogue name: https://reveng.sourceforge.io/crc-catalogue/all.htm#crc.cat.crc-64-xz
  t.same(sent, { size: 9, crc64: O.some(0x995dc9bbdf1939fan) })
  t.same(right(await send(probePut(at))(server.client())()).sent, { size: 0, crc64: O.some(0n) })
})

t.test('a body with more or fewer bytes than announced is a SourceError', async (t) => {
  const server = await startServer(t, (_, response) => response.end())
  const bodyOf = (...texts: ReadonlyArray<string>) => ({
    size: 4,
    async *open() {
      for (const text of texts) yield Buffer.from(text)
    }
  })
  for (const body of [bodyOf('abc'), bodyOf('abc', 'de'), bodyOf()]) {
    t.match(left(await send(probePut({ ...at, body }))(server.client())()), {
      _tag: 'SourceError',
      context: { attempts: 1 }
    })
  }
  t.equal(server.received.length, 0)
})

t.test('an error of the source is the cause of a SourceError', async (t) => {
  const server = await startServer(t, (_, response) => response.end())
  const body = (async function* () {
    yield Buffer.from('begun')
    throw new Error('disk')
  })()
  const error = left(await send(probePut({ ...at, body }))(server.client())())
  t.match(error, { _tag: 'SourceError', cause: { message: 'disk' } })
})

t.test('enableMd5 adds Content-MD5, and is InvalidInput for a stream that can be read once', async (t) => {
  const server = await startServer(t, (_, response) => response.end())
  await send(probePut({ ...at, body: '123456789', enableMd5: true }))(server.client())()
  t.equal(server.received[0]?.headers['content-md5'], 'JfnnlDI7RTiF9RgfG2JNCw==')
  const body = (async function* () {
    yield Buffer.from('x')
  })()
  t.match(left(await send(probePut({ ...at, body, enableMd5: true }))(server.client())()), {
    _tag: 'InvalidInput',
    field: 'enableMd5'
  })
})

t.test('a redirect is a ServiceError, and is not followed', async (t) => {
  const server = await startServer(t, (_, response) => {
    response.writeHead(302, { location: 'http://127.0.0.1:1/stolen', 'x-cos-request-id': 'r' }).end()
  })
  t.match(left(await send(probeGet(at))(server.client())()), {
    _tag: 'ServiceError',
    status: 302,
    headers: { location: 'http://127.0.0.1:1/stolen' }
  })
  t.equal(server.received.length, 1)
})

t.test('a clock that COS refuses is corrected once, by the Date of the response', async (t) => {
  const hour = 3_600_000
  const server = await startServer(t, (_, response) => {
    sendServiceError(response, 403, 'RequestTimeTooSkewed', {
      date: new Date(Date.now() + hour).toUTCString()
    })
  })
  const client = server.client()
  t.match(left(await send(probeGet(at))(client)()), {
    code: 'RequestTimeTooSkewed',
    context: { attempts: 2 }
  })
  const starts = server.received.map((seen) =>
    Number(field(seen.headers.authorization ?? '', 'q-sign-time').split(';')[0])
  )
  t.ok(Math.abs((starts[1] ?? 0) - (starts[0] ?? 0) - 3600) <= 2, String(starts))
  t.equal(server.received.length, 2)

  const honest = await startServer(t, (_, response) => {
    sendServiceError(response, 403, 'RequestTimeTooSkewed')
  })
  await send(probeGet(at))(honest.client())()
  t.equal(honest.received.length, 1)
})

t.test('a token that COS calls expired is fetched again, once', async (t) => {
  const server = await startServer(t, (_, response) => {
    sendServiceError(response, 400, 'ExpiredToken')
  })
  let count = 0
  const source = (sessionToken: () => string) => async () => {
    count += 1
    return E.right({ ...credentials, sessionToken: sessionToken() })
  }
  const tokens = () => server.received.map(({ headers }) => headers['x-cos-security-token'])
  const sendWith = async (of: ReturnType<typeof source>) =>
    left(await send(probeGet(at))(server.client({ credentials: of }))())
  t.match(await sendWith(source(() => `t${String(count)}`)), {
    code: 'ExpiredToken',
    context: { attempts: 2 }
  })
  t.same(tokens(), ['t1', 't2'])
  t.match(await sendWith(source(() => 'same')), { context: { attempts: 1 } }, 'the source has no other')
  t.same([tokens().length, count], [3, 4])
})

t.test('a signal settles a call within 50 ms in every phase, and its connections close', async (t) => {
  const silent = await startServer(t, ({ method }, response) => method === 'HEAD' && response.end())
  const rejectAll = await startServer(t, (_, response) => {
    sendServiceError(response, 503, 'SlowDown', { 'retry-after': '30' })
  })
  let isAsked = false
  const never = async function* () {
    yield Buffer.from('x')
    isAsked = true
    await new Promise(() => undefined)
  }
  const cases = [
    ['the head of a response', send(probeGet(at)), silent, () => silent.received.length === 1],
    ['the next attempt', send(probeGet(at)), rejectAll, () => rejectAll.received.length === 1],
    ['its own source', send(probePut({ ...at, body: never() })), silent, () => isAsked]
  ] as const
  for (const [what, effect, server, isWaiting] of cases) {
    const controller = new AbortController()
    const result = withSignal(controller.signal)(effect)(server.client())()
    await waitFor(isWaiting)
    await setTimeout(20)
    controller.abort('enough')
    t.ok(await settlesWithin(50, result))
    t.match(left(await result), { _tag: 'Aborted', reason: 'enough' }, what)
  }
  t.ok(await becomesTrue(() => silent.open() === 0))
})

t.test('nothing is sent if the signal has fired already', async (t) => {
  const server = await startServer(t, (_, response) => response.end())
  const result = await withSignal(AbortSignal.abort())(send(probeGet(at)))(server.client())()
  t.match(left(result), { _tag: 'Aborted' })
  t.equal(server.received.length, 0)
})

t.test('a signal fails the body that a call has returned', async (t) => {
  const server = await startServer(t, (_, response) => {
    response.writeHead(200, { 'content-length': '1000000' }).write('begun')
  })
  const controller = new AbortController()
  const body = right(await withSignal(controller.signal)(send(probeOpen(at)))(server.client())())
  const reading = body.toArray()
  await setTimeout(20)
  controller.abort()
  await t.rejects(reading, { name: 'CosException', error: { _tag: 'Aborted' } })
  t.ok(await becomesTrue(() => server.open() === 0))
})

t.test('each timeout ends its phase, and the error names it', async (t) => {
  const silent = await startServer(t, () => undefined)
  const stalling = await startServer(t, (_, response) => {
    response.writeHead(200, { 'content-length': '10' }).write('half')
  })
  // One timeout at a time: on a busy machine even the head of a response may take 60 ms.
  const oneTimeout = (timeouts: Partial<Timeouts>) => ({ retry: { attempts: 1 }, timeouts })
  t.match(left(await send(probeGet(at))(silent.client(oneTimeout({ headers: 60 })))()), {
    _tag: 'Timeout',
    phase: 'headers',
    after: 60
  })
  t.match(left(await send(probeGet(at))(stalling.client(oneTimeout({ idle: 60 })))()), {
    _tag: 'Timeout',
    phase: 'idle',
    after: 60
  })
  t.match(left(await withTimeout(60)(send(probeGet(at)))(silent.client())()), {
    _tag: 'Timeout',
    phase: 'overall',
    after: 60,
    context: { operation: 'ProbeGet', bucket: at.bucket }
  })
  t.ok(await becomesTrue(() => silent.open() + stalling.open() === 0))
})

t.test(
  'a body that is not read is closed by the unread timeout, and holds the error for a later read',
  async (t) => {
    const chunk = Buffer.alloc(256 * 1024)
    const server = await startServer(t, (_, response) => {
      response.writeHead(200, { 'content-length': String(64 * chunk.length) })
      for (let n = 0; n < 64; n += 1) response.write(chunk)
    })
    const client = server.client({ timeouts: { unread: 60 } })
    const unread = { name: 'CosException', error: { _tag: 'Timeout', phase: 'unread', after: 60 } }
    const never = right(await send(probeOpen(at))(client)())
    t.ok(await becomesTrue(() => server.open() === 0))
    await t.rejects(never.toArray(), unread)

    const paused = right(await send(probeOpen(at))(client)())
    const iterator = paused[Symbol.asyncIterator]()
    await iterator.next()
    t.ok(await becomesTrue(() => server.open() === 0))
    await t.rejects(async () => {
      for await (const _ of { [Symbol.asyncIterator]: () => iterator });
    }, unread)
  }
)

t.test(
  'a dispatcher that throws is a TransportError, and an object without its methods is InvalidInput',
  async (t) => {
    const throwing = {
      dispatch: () => {
        throw new TypeError('not here')
      },
      request: () => Promise.reject(new TypeError('not used'))
    }
    const client = clientOf(t, '127.0.0.1:1')
    const dispatcher = throwing as unknown as Dispatcher
    t.match(left(await send(probeGet(at))(client({ dispatcher }))()), {
      _tag: 'TransportError',
      cause: { message: 'not here' }
    })
    const wrong = { dispatch: true, request: true } as unknown as Dispatcher
    t.match(left(createClient({ region: 'ap-guangzhou', credentials, dispatcher: wrong })), {
      _tag: 'InvalidInput',
      field: 'dispatcher'
    })
  }
)

t.test('a function of the caller that throws is an error, and not a rejected task', async (t) => {
  const server = await startServer(t, (_, response) => response.end())
  const broken = {
    ...probeGet(at),
    decode: () => {
      throw new TypeError('a bug')
    }
  }
  t.match(left(await send(broken)(server.client())()), { cause: { message: 'a bug' } })
})

t.test('a server that stops reading a body is an idle timeout', async (t) => {
  const server = await startServer(t, (_, __, ___, request) => request.pause(), { early: true })
  const body = {
    size: 256 * 1024 * 1024,
    async *open() {
      for (let n = 0; n < 256; n += 1) yield Buffer.alloc(1024 * 1024)
    }
  }
  const client = server.client({ retry: { attempts: 1 }, timeouts: { idle: 100 } })
  t.match(left(await send(probePut({ ...at, body }))(client)()), { _tag: 'Timeout', phase: 'idle' })
})

t.test('the idle timeout is paused while our source or our reader is slow', async (t) => {
  const server = await startServer(t, (_, response) => response.end('x'.repeat(500_000)))
  // Long enough that a busy machine does not reach it: only our side is slower.
  const client = server.client({ retry: { attempts: 1 }, timeouts: { headers: 1000, idle: 1000 } })
  const ours = 1500
  const slow = async function* () {
    yield Buffer.from('a')
    await setTimeout(ours)
    yield Buffer.from('b')
  }
  const read = async (): Promise<number> => {
    let size = 0
    for await (const chunk of right(await send(probeOpen(at))(client)())) {
      if (size === 0) await setTimeout(ours)
      size += (chunk as Buffer).length
    }
    return size
  }
  const [put, size] = await Promise.all([send(probePut({ ...at, body: slow() }))(client)(), read()])
  t.ok(E.isRight(put), 'a slow source is not an idle timeout')
  t.equal(size, 500_000, 'a slow reader is not an idle timeout')
})

t.test('a blocked event loop is not reported as a timeout', async (t) => {
  const server = await startServer(t, (_, response) =>
    // The response has been sent when the event loop blocks, and the deadline has passed when it runs again.
    response.end('yes', () => {
      const until = performance.now() + 600
      while (performance.now() < until);
    })
  )
  const client = server.client({ retry: { attempts: 1 }, timeouts: { headers: 300 } })
  t.equal(right(await send(probeGet(at))(client)()).text, 'yes')
})

t.test('a connection is reused by requests of any method', async (t) => {
  const ports: Array<number | undefined> = []
  const server = await startServer(t, ({ method }, response, _, request) => {
    ports.push(request.socket.remotePort)
    const lastModified = 'Tue, 01 Oct 2024 12:00:00 GMT'
    response.writeHead(200, { etag: '"e"', 'last-modified': lastModified, 'content-length': 3 })
    response.end(method === 'HEAD' ? undefined : 'yes')
  })
  const client = server.client()
  for (const operation of [probeGet(at), probePut({ ...at, body: 'x' }), objectExists(at), probeGet(at)]) {
    right(await send<unknown>(operation)(client)())
    await setTimeout(10)
  }
  t.equal(ports.length, 4)
  t.equal(new Set(ports).size, 1)
})

t.test('an unread body holds the server back', async (t) => {
  let written = 0
  const server = await startServer(t, async (_, response) => {
    const chunk = Buffer.alloc(64 * 1024)
    const closed = new Promise((resolve) => response.once('close', resolve))
    while (written < 64 * 1024 * 1024 && !response.destroyed) {
      written += chunk.length
      if (!response.write(chunk))
        await Promise.race([closed, new Promise((resolve) => response.once('drain', resolve))])
    }
  })
  const body = right(await send(probeOpen(at))(server.client())())
  await setTimeout(100)
  // Loopback sockets buffer a few MiB on both sides: far less than the object.
  t.ok(written < 16 * 1024 * 1024, `${String(written)} bytes were sent`)
  body.destroy()
  t.ok(await becomesTrue(() => server.open() === 0))
})

t.test('a body that breaks off is a TransportError', async (t) => {
  const server = await startServer(t, (_, response) => {
    response.writeHead(200, { 'content-length': '10' }).write('half')
    response.socket?.end()
  })
  const error = left(await send(probeGet(at))(server.client({ retry: { attempts: 1 } }))())
  t.match(error, { _tag: 'TransportError', context: { operation: 'ProbeGet' } })
})

t.test(
  'a file body has its size as Content-Length, and a missing file or a directory is a FileError',
  async (t) => {
    const dir = t.testdir({ 'a.txt': '123456789' })
    const server = await startServer(t, (_, response) => response.end())
    const client = server.client()
    right(await send(probePut({ ...at, body: { file: `${dir}/a.txt` } }))(client)())
    t.equal(server.received[0]?.body.toString(), '123456789')
    t.match(left(await send(probePut({ ...at, body: { file: `${dir}/none` } }))(client)()), {
      _tag: 'FileError',
      code: 'ENOENT',
      path: `${dir}/none`
    })
    t.match(left(await send(probePut({ ...at, body: { file: dir } }))(client)()), { _tag: 'FileError' })
    t.equal(server.received.length, 1)
  }
)

t.test('a client, an error and an event hold no secret', async (t) => {
  const events: Array<unknown> = []
  const listen = (event: unknown): void => {
    events.push(event)
  }
  for (const name of ['cospipe:operation', 'cospipe:attempt']) {
    subscribe(name, listen)
    t.teardown(() => unsubscribe(name, listen))
  }
  const server = await startServer(t, (_, response) => {
    response.destroy()
  })
  const token = 'a-very-secret-token'
  const client = server.client({ credentials: { ...credentials, sessionToken: token } })
  const operation = probeGet(at)
  const error = left(await send(operation)(client)())
  const shown = [client, error, operation, events]
    .map((value) => inspect(value, { depth: 20, showHidden: true }))
    .join()
  const json = JSON.stringify([client, error, events], (_, value: unknown) =>
    typeof value === 'bigint' ? '' : value
  )
  for (const text of [shown, json]) {
    t.notOk(text.includes(secretKey))
    t.notOk(text.includes(token))
    t.notOk(text.includes('q-signature'))
  }
})

t.test('attempts and operations are published on diagnostics_channel', async (t) => {
  const server = await startServer(t, (_, response, count) => {
    if (count === 1) sendServiceError(response, 503, 'SlowDown')
    else response.end()
  })
  const events: Array<unknown> = []
  const listen = (event: unknown): void => {
    events.push(event)
  }
  for (const name of ['cospipe:operation', 'cospipe:attempt']) subscribe(name, listen)
  await send(probeGet(at))(server.client())()
  for (const name of ['cospipe:operation', 'cospipe:attempt']) unsubscribe(name, listen)
  const about = { operation: 'ProbeGet', bucket: at.bucket, key: at.key }
  t.match(events, [
    { ...about, attempt: 1, method: 'GET', status: 503, requestId: 'NjYwMWE5YzRf', error: '' },
    { ...about, attempt: 2, method: 'GET', status: 200, requestId: '', error: '' },
    { ...about, attempts: 2, error: '' }
  ])
})

t.test("a customer's key is not printed, and is sent over plain HTTP to the loopback only", async (t) => {
  const server = await startServer(t, (_, response) => response.end())
  const name = 'x-cos-server-side-encryption-customer-key'
  const operation = probeGet({ ...at, headers: { [name]: 'MDEyMzQ1Njc4OUFC' } })
  t.notMatch(inspect(operation, { depth: 9 }) + JSON.stringify(operation), /MDEyMzQ1Njc4OUFC/)
  right(await send(operation)(server.client())())
  t.equal(server.received[0]?.headers[name], 'MDEyMzQ1Njc4OUFC')
  const abroad = server.client({ address: '192.0.2.1:80' })
  t.match(left(await send(operation)(abroad)()), {
    _tag: 'InvalidInput',
    field: 'sse',
    context: { attempts: 0 }
  })
})

t.test('a signal and a timeout end the wait for credentials', async (t) => {
  const server = await startServer(t, (_, response) => response.end())
  const never = () => new Promise<E.Either<never, typeof credentials>>(() => undefined)
  const client = server.client({ credentials: never })
  const controller = new AbortController()
  const result = withSignal(controller.signal)(send(probeGet(at)))(client)()
  await setTimeout(10)
  controller.abort()
  t.ok(await settlesWithin(50, result))
  t.match(left(await result), { _tag: 'Aborted', context: { operation: 'ProbeGet' } })
  t.match(left(await withTimeout(20)(send(probeGet(at)))(client)()), { _tag: 'Timeout', phase: 'overall' })
  t.equal(server.received.length, 0)
})
