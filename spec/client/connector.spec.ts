import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { request as requestOf, type IncomingMessage } from 'node:http'
import { createServer as createTcpServer, connect, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { createServer as createTlsServer } from 'node:tls'
import t, { type Test } from 'tap'
import type { Client, ClientConfig } from '../../lib/client/client.js'
import { holdEnd } from '../../lib/client/connector.js'
import { send } from '../../lib/client/send.js'
import { CosException, type CosError } from '../../lib/core/error.js'
import { getObject } from '../../lib/operations/get-object.js'
import { putObject } from '../../lib/operations/put-object.js'
import { downloadFile } from '../../lib/transfers/download/download-file.js'
import { downloadStream } from '../../lib/transfers/download/download-stream.js'
import { streamObjects } from '../../lib/transfers/list/stream-objects.js'
import { bytesOf } from '../support/bytes.js'
import { certificate } from '../support/certificate.js'
import { bucket, startCos } from '../support/cos.js'
import { listen } from '../support/listen.js'
import { sampleOf } from '../support/long-form.js'
import { clientOf, right } from '../support/server.js'
import { becomesTrue, waitFor } from '../support/wait-for.js'

// Without the connector, the tests over a client end in an uncaught AssertionError of undici's on Node 20. Those under a
// limit of bandwidth do so in most runs: a timer decides where the parser pauses.

const KiB = 1024
const schemes = ['http', 'https'] as const
type Scheme = (typeof schemes)[number]

// A client has no option for certificate authorities, and Node reads NODE_EXTRA_CA_CERTS only when it starts.
t.before(() => {
  // Node would warn of it, once.
  process.removeAllListeners('warning')
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
})

// -- servers --
interface ClosingServer {
  readonly address: string
  /** Connections that are open now. */
  readonly open: () => number
  /** Requests whose response has not been written to its end. */
  readonly pending: () => number
  readonly client: (config?: Partial<ClientConfig>) => Client
}

/** Serves the first request of each connection with `respond`. */
const startServer = async (
  t: Test,
  scheme: Scheme,
  respond: (socket: Socket, head: string) => Promise<void>
): Promise<ClosingServer> => {
  let pending = 0
  const onSocket = (socket: Socket): void => {
    socket.on('error', () => undefined)
    socket.once('data', (head: Buffer) => {
      pending += 1
      void respond(socket, head.toString('latin1')).then(() => (pending -= 1))
    })
  }
  const server: Server =
    scheme === 'http' ? createTcpServer(onSocket) : createTlsServer(certificate, onSocket)
  const { address, sockets } = await listen(t, server)
  const make = clientOf(t, address)
  return {
    address,
    open: () => sockets.size,
    pending: () => pending,
    client: (config = {}) => make({ scheme, retry: { attempts: 1 }, ...config })
  }
}

/** A body, and how it comes. */
interface Plan {
  readonly connection: 'close' | 'keep-alive'
  readonly framing: 'length' | 'chunked'
  readonly size: number
  /** Bytes that are missing at its end. */
  readonly missing: number
}

const source = bytesOf(300 * KiB)

const toChunks = (body: Buffer): Buffer => {
  const chunks: Array<Buffer> = []
  for (let at = 0; at < body.length; at += 10_000) {
    const chunk = body.subarray(at, at + 10_000)
    chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'))
  }
  return Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')])
}

const responseOf = ({ connection, framing, size, missing }: Plan): Buffer => {
  const body = source.subarray(0, size)
  const framed = framing === 'length' ? body : toChunks(body)
  const head = [
    'HTTP/1.1 200 OK',
    'ETag: "e"',
    'Last-Modified: Fri, 27 Nov 2026 00:00:00 GMT',
    'x-cos-request-id: NjYwMWE5YzRf',
    `Connection: ${connection}`,
    framing === 'length' ? `Content-Length: ${String(size)}` : 'Transfer-Encoding: chunked'
  ]
  return Buffer.concat([
    Buffer.from(`${head.join('\r\n')}\r\n\r\n`),
    framed.subarray(0, framed.length - missing)
  ])
}

const keyOf = (plan: Plan): string => Buffer.from(JSON.stringify(plan)).toString('hex')
const planOf = (head: string): Plan =>
  JSON.parse(Buffer.from(/^GET \/([0-9a-f]+) /.exec(head)![1]!, 'hex').toString()) as Plan

const end = async (socket: Socket): Promise<void> => {
  socket.end()
}

/** Responds to a request by the plan in its key, and ends the connection after the response. */
const startClosingServer = (t: Test, scheme: Scheme, finish = end): Promise<ClosingServer> =>
  startServer(t, scheme, (socket, head) => {
    socket.write(responseOf(planOf(head)))
    return finish(socket)
  })

/**
 * Closes the connection after each response of the emulator, which has a `Content-Length` and arrives in small pieces. So
 * undici's parser pauses after the last byte of the responses whose size fits the buffer that their reader leaves.
 */
const startClosingProxy = (t: Test, scheme: Scheme, address: string): Promise<ClosingServer> =>
  startServer(t, scheme, async (socket, head) => {
    const [line = '', ...lines] = head.trimEnd().split('\r\n')
    const [method, path] = line.split(' ')
    const headers: Record<string, string> = {}
    for (const header of lines) {
      const [name = '', value = ''] = header.split(': ', 2)
      headers[name] = value
    }
    const request = requestOf(`http://${address}`, { method, path, headers, agent: false }).end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    const body = await buffer(response)
    const size = response.headers['content-length'] ?? String(body.length)
    const kept = Object.entries(response.headers).filter(
      ([name]) => !['connection', 'content-length', 'transfer-encoding'].includes(name)
    )
    const sent: ReadonlyArray<readonly [string, string]> = [
      ...kept.map(([name, value]) => [name, String(value)] as const),
      ['content-length', size],
      ['connection', 'close']
    ]
    const bytes = Buffer.concat([
      Buffer.from(`HTTP/1.1 ${String(response.statusCode)} X\r\n`),
      Buffer.from(sent.map(([name, value]) => `${name}: ${value}\r\n`).join('')),
      Buffer.from('\r\n'),
      body
    ])
    // Pieces that do not divide 64 KiB, and fit one record of TLS.
    for (let at = 0; at < bytes.length; at += 15 * KiB) {
      socket.write(bytes.subarray(at, at + 15 * KiB))
      await setImmediate()
    }
    socket.end()
  })

// -- readers --
interface Read {
  readonly bytes: Buffer
  readonly error: CosError | undefined
}

/** Waits until the server has closed its side of each connection, and the client has seen it. */
const waitForClose = async (server: ClosingServer): Promise<void> => {
  await waitFor(() => server.pending() === 0)
  await setTimeout(15)
}

/** Reads nothing while the response arrives and its connection ends, and then in small pieces. */
const readSlowly = async (server: ClosingServer, body: Readable): Promise<Read> => {
  const chunks: Array<Buffer> = []
  const bytes = (): Buffer => Buffer.concat(chunks)
  await waitForClose(server)
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      await setTimeout(2)
    }
    return { bytes: bytes(), error: undefined }
  } catch (thrown) {
    if (!(thrown instanceof CosException)) throw thrown
    return { bytes: bytes(), error: thrown.error }
  }
}

const get = async (server: ClosingServer, client: Client, plan: Plan): Promise<Read> => {
  const { body } = right(await send(getObject({ bucket, key: keyOf(plan), resume: false }))(client)())
  return readSlowly(server, body)
}

// Around what a socket, a parser and a stream hold; each of the parts pauses somewhere else.
const sizes = [0, 1, 60, 65, 66, 80, 120, 128, 129, 200, 300].map((n) => n * KiB)

const plans = (missing: number): ReadonlyArray<Plan> =>
  (['close', 'keep-alive'] as const).flatMap((connection) =>
    (['length', 'chunked'] as const).flatMap((framing) =>
      sizes.map((size) => ({ connection, framing, size, missing: Math.min(size, missing) }))
    )
  )

/** Reads the body of each plan at once, and returns the differences. */
const wrongOf = async (
  server: ClosingServer,
  all: ReadonlyArray<Plan>,
  judge: (read: Read, plan: Plan) => boolean
): Promise<ReadonlyArray<string>> => {
  const client = server.client()
  const wrong = await Promise.all(
    all.map(async (plan) => {
      const read = await get(server, client, plan)
      const { _tag = 'no error' } = read.error ?? {}
      return judge(read, plan)
        ? []
        : [`${JSON.stringify(plan)}: ${_tag} after ${String(read.bytes.length)} bytes`]
    })
  )
  return wrong.flat()
}

const isWhole = ({ bytes, error }: Read, { size }: Plan): boolean =>
  error === undefined && bytes.equals(source.subarray(0, size))

const isCut = ({ bytes, error }: Read): boolean =>
  error?._tag === 'TransportError' && bytes.equals(source.subarray(0, bytes.length))

// -- the end of a connection --
for (const [turn, scheme] of schemes.entries()) {
  /** The short form takes each case over one of the schemes. */
  const half = <A>(cases: ReadonlyArray<A>): ReadonlyArray<A> => sampleOf(cases, 2, turn)

  t.test(`${scheme}: a slow reader has the whole body of a server that closes behind it`, async (t) => {
    const server = await startClosingServer(t, scheme)
    t.same(await wrongOf(server, half(plans(0)), isWhole), [])
  })

  t.test(`${scheme}: a body that was cut off fails a slow reader with a TransportError`, async (t) => {
    const server = await startClosingServer(t, scheme)
    const cut = half(plans(7).filter(({ size }) => size > 0))
    t.same(await wrongOf(server, cut, isCut), [])
  })

  t.test(
    `${scheme}: a slow reader of a server that kills the connection has the body or an error`,
    async (t) => {
      const kill = async (socket: Socket): Promise<void> => {
        // So that the bytes come before.
        await setTimeout(15)
        if (scheme === 'http') socket.resetAndDestroy()
        else socket.destroy()
      }
      const server = await startClosingServer(t, scheme, kill)
      const wrong = await wrongOf(server, half(plans(0)), (read, plan) =>
        read.error === undefined ? isWhole(read, plan) : isCut(read)
      )
      t.same(wrong, [])
    }
  )

  t.test(`${scheme}: operations and transfers read a server that closes each connection`, async (t) => {
    const cos = await startCos(t, {
      seed: Array.from({ length: 400 }, (_, n) => ({ bucket, key: `${'k'.repeat(200)}${String(n)}` }))
    })
    const at = { bucket, key: 'object' }
    right(await send(putObject({ ...at, body: source }))(cos.client())())
    const { secretId, secretKey } = cos.emulator.credentials
    const credentials = { secretId, secretKey }
    const server = await startClosingProxy(t, scheme, cos.emulator.address)
    const make = server.client

    await t.test('getObject of a range', async (t) => {
      const lasts = half(sizes.filter((size) => size > 0).map((size) => size - 1))
      const reads = lasts.map(async (last) => {
        const range = { first: 0, last }
        const { body } = right(
          await send(getObject({ ...at, range, resume: false }))(make({ credentials }))()
        )
        const { bytes, error } = await readSlowly(server, body)
        t.equal(error, undefined)
        t.ok(bytes.equals(source.subarray(0, last + 1)), String(last))
      })
      await Promise.all(reads)
    })

    // Transfers read ranges ahead into memory, so their own reader seldom holds a connection back; a limit does.
    const limited = { credentials, bandwidth: { down: 512 * KiB } }
    const partSizes = half([85, 100, 112, 116].map((n) => n * KiB))

    await t.test('downloadStream, under a limit of bandwidth', async (t) => {
      const reads = partSizes.map(async (partSize) => {
        const { body } = right(await downloadStream({ ...at, partSize })(make(limited))())
        const { bytes, error } = await readSlowly(server, body)
        t.equal(error, undefined)
        t.ok(bytes.equals(source), String(partSize))
      })
      await Promise.all(reads)
    })

    await t.test('downloadFile, under a limit of bandwidth', async (t) => {
      const reads = partSizes.map(async (partSize) => {
        const file = join(t.testdir(), String(partSize))
        right(await downloadFile({ ...at, file, threshold: 0, partSize })(make(limited))())
        t.ok((await readFile(file)).equals(source))
      })
      await Promise.all(reads)
    })

    await t.test('streamObjects', async (t) => {
      // Pages of some 110 to 120 KiB, and of 155 to 165: from Node 22 on a stream holds 64 KiB in place of 16.
      const reads = half([240, 335, 350, 250]).map(async (maxKeys) => {
        const keys = new Set<string>()
        for await (const { key } of streamObjects({ bucket, maxKeys })(make({ credentials }))) {
          if (keys.size % maxKeys === 0) await waitForClose(server)
          keys.add(key)
        }
        t.equal(keys.size, 401, String(maxKeys))
      })
      await Promise.all(reads)
    })
  })

  t.test(`${scheme}: a reader that leaves closes a connection whose end is held back`, async (t) => {
    const server = await startClosingServer(t, scheme)
    const plan = { connection: 'close', framing: 'length', size: 70 * KiB, missing: 0 } as const
    const client = server.client()
    const { body } = right(await send(getObject({ bucket, key: keyOf(plan), resume: false }))(client)())
    await waitForClose(server)
    t.equal(server.open(), 1, 'it is held')
    body.on('error', () => undefined).destroy()
    t.ok(await becomesTrue(() => server.open() === 0))
  })

  t.test(`${scheme}: closing the client closes a connection whose end is held back`, async (t) => {
    const server = await startClosingServer(t, scheme)
    const plan = { connection: 'close', framing: 'length', size: 70 * KiB, missing: 0 } as const
    const client = server.client()
    const { body } = right(await send(getObject({ bucket, key: keyOf(plan), resume: false }))(client)())
    await waitForClose(server)
    t.equal(server.open(), 1, 'it is held')
    await client.close()
    t.ok(await becomesTrue(() => server.open() === 0))
    t.equal((await readSlowly(server, body)).error?._tag, 'TransportError')
  })
}

// -- the socket alone --
/** What a parser does with a socket: it reads all there is, unless it is paused. */
const startParser = async (t: Test) => {
  const { port, sockets } = await listen(t, createTcpServer())
  const socket = holdEnd(connect(port, '127.0.0.1'))
  t.teardown(() => socket.destroy())
  const seen: Array<string> = []
  const parser = { isPaused: false }
  const read = (): void => {
    while (!parser.isPaused) {
      const chunk: unknown = socket.read()
      if (!(chunk instanceof Buffer)) return
      seen.push(chunk.toString())
    }
  }
  socket.on('readable', read)
  for (const event of ['end', 'error', 'close'] as const) socket.on(event, () => seen.push(event))
  await waitFor(() => sockets.size === 1)
  return { socket, server: [...sockets][0]!, seen, parser, read }
}

t.test('a running parser gets the end after the bytes', async (t) => {
  const { server, seen } = await startParser(t)
  server.end('abc')
  await waitFor(() => seen.includes('close'))
  t.same(seen, ['abc', 'end', 'close'])
})

t.test('a parser that pauses again when it resumes does not have the end yet', async (t) => {
  const { socket, server, seen, parser, read } = await startParser(t)
  parser.isPaused = true
  server.end()
  await setTimeout(20)
  // undici flushes what its parser holds of an earlier chunk, and its reader may be full again.
  t.equal(socket.read(), null)
  socket.unshift(Buffer.alloc(0))
  await setTimeout(20)
  t.same(seen, [])
  parser.isPaused = false
  read()
  await waitFor(() => seen.includes('close'))
  t.same(seen, ['end', 'close'])
})

t.test('a reset is delivered after the bytes, and any other error at once', async (t) => {
  const reset = await startParser(t)
  reset.parser.isPaused = true
  reset.server.write('abc')
  await waitFor(() => reset.socket.readableLength === 3)
  reset.server.resetAndDestroy()
  await setTimeout(20)
  t.same(reset.seen, [])
  reset.parser.isPaused = false
  reset.read()
  await waitFor(() => reset.seen.includes('close'))
  t.same(reset.seen, ['abc', 'error', 'close'])

  const other = await startParser(t)
  other.parser.isPaused = true
  other.socket.destroy(new Error('aborted'))
  await waitFor(() => other.seen.includes('close'))
  t.same(other.seen, ['error', 'close'])
})

t.test(
  'after a failed write the connection is read to its end, and what the parser puts back stays',
  async (t) => {
    const { socket, server, seen, parser, read } = await startParser(t)
    parser.isPaused = true
    server.write('abc')
    await waitFor(() => socket.readableLength === 3)
    socket._write = (_chunk, _encoding, done) => {
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE', syscall: 'write' }))
    }
    socket.write('x', () => undefined)
    socket.write('y', () => undefined)
    await setTimeout(20)
    t.same(seen, [])
    t.equal((socket.read() as Buffer).toString(), 'abc')
    socket.unshift(Buffer.from('bc'))
    parser.isPaused = false
    read()
    server.write('de')
    await waitFor(() => seen.includes('de'))
    t.same(seen, ['bc', 'de'])
    parser.isPaused = true
    server.end('f')
    await setTimeout(20)
    t.same(seen, ['bc', 'de'])
    parser.isPaused = false
    read()
    await waitFor(() => seen.includes('close'))
    t.same(seen, ['bc', 'de', 'f', 'end', 'error', 'close'])
  }
)

t.test(
  'after a failed write, no more than 64 KiB and a chunk are kept for a parser that pauses',
  async (t) => {
    const { socket, server, seen, parser, read } = await startParser(t)
    socket._write = (_chunk, _encoding, done) => {
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE', syscall: 'write' }))
    }
    parser.isPaused = true
    socket.write('x', () => undefined)
    server.end(Buffer.alloc(4 * 1024 * KiB))
    await setTimeout(50)
    t.ok(socket.bytesRead <= 64 * KiB + 64 * KiB, `${String(socket.bytesRead)} bytes`)
    parser.isPaused = false
    read()
    await waitFor(() => seen.includes('close'))
    t.equal(socket.bytesRead, 4 * 1024 * KiB)
    t.same(seen.slice(-3), ['end', 'error', 'close'])
  }
)
