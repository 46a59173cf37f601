/** One cell of the matrix: a round of operations and transfers, and slow readers of servers that end their connections. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import * as cos from 'cospipe'
import { exampleBucket as bucket, exampleCredentials as credentials, startEmulator } from 'cospipe/emulator'

// An exception that nobody catches is the defect that is looked for: Node prints it and ends this program with 1.
const [, , dispatcherOf] = process.argv
const { Agent } = dispatcherOf === undefined ? {} : await import(dispatcherOf)
const dispatcher = Agent && new Agent({ headersTimeout: 0, bodyTimeout: 0, allowH2: false })

const right = (either) => {
  if (either._tag === 'Right') return either.right
  throw new Error(cos.formatError(either.left), { cause: either.left })
}
const expect = (holds, what) => {
  if (!holds) throw new Error(`expected: ${what}`)
}
const clientOf = (address) =>
  right(
    cos.createClient({
      region: 'ap-guangzhou',
      credentials,
      scheme: 'http',
      address,
      retry: { attempts: 1 },
      ...(dispatcher && { dispatcher })
    })
  )

// -- a round --
const emulator = right(await startEmulator()())
const client = clientOf(emulator.address)
const send = async (operation) => right(await cos.send(operation)(client)())
const bytes = Buffer.alloc(3 * 1024 * 1024, 'cospipe ')
const at = { bucket, key: 'a/b.bin' }

await send(cos.putObject({ ...at, body: bytes }))
expect((await send(cos.headObject(at))).size === bytes.length, 'the size of headObject')
const { body } = await send(cos.getObject(at))
expect(bytes.equals(await buffer(body)), 'the bytes of getObject')
const upload = cos.uploadStream({ bucket, key: 'a/c.bin', partSize: 1024 * 1024 })
right(await upload(Readable.from([bytes, bytes]))(client)())
const download = right(await cos.downloadStream({ bucket, key: 'a/c.bin', partSize: 1024 * 1024 })(client)())
expect((await buffer(download.body)).equals(Buffer.concat([bytes, bytes])), 'the bytes of downloadStream')
const keys = []
for await (const { key } of cos.streamObjects({ bucket })(client)) keys.push(key)
expect(keys.join() === 'a/b.bin,a/c.bin', 'the keys of streamObjects')
await send(cos.deleteObject(at))
expect((await cos.send(cos.headObject(at))(client)()).left?.status === 404, 'a 404 of a deleted object')
await client.close()
await emulator.close()

// -- slow readers --
/** Answers with so many bytes of `promised`, and ends the connection. */
const startServer = async (size, promised, connection) => {
  const head = [
    'HTTP/1.1 200 OK',
    'ETag: "e"',
    'Last-Modified: Fri, 27 Nov 2026 00:00:00 GMT',
    `Connection: ${connection}`,
    `Content-Length: ${promised}`
  ]
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write(`${head.join('\r\n')}\r\n\r\n`)
      socket.end(bytes.subarray(0, size))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

const readSlowly = async (size, missing, connection) => {
  const what = `${size} bytes, ${missing} missing, Connection: ${connection}`
  const server = await startServer(size, size + missing, connection)
  const client = clientOf(`127.0.0.1:${server.address().port}`)
  const { body } = right(await cos.send(cos.getObject(at))(client)())
  let read = 0
  let error
  try {
    await setTimeout(30)
    for await (const chunk of body) {
      read += chunk.length
      await setTimeout(2)
    }
  } catch (thrown) {
    error = thrown
  }
  await client.close()
  server.close()
  if (missing > 0) expect(error instanceof cos.CosException, `an error of the library: ${what}`)
  // A Dispatcher of the user's takes an end behind `keep-alive` for an error, if its parser is paused.
  else if (dispatcher === undefined || connection === 'close') {
    expect(error === undefined && read === size, `a whole body: ${what}, ${read} read, ${error}`)
  }
}

const KiB = 1024
const sizes = [1, 60, 64, 65, 66, 80, 100, 120, 128, 129, 150, 200, 300, 1024, 3072].map((n) => n * KiB)
for (const connection of ['close', 'keep-alive']) {
  for (const missing of [0, 1000]) {
    await Promise.all(sizes.map((size) => readSlowly(size, missing, connection)))
  }
}
await dispatcher?.close()
