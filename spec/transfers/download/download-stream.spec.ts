import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { crc64 } from '../../../lib/core/crc64.js'
import { withSignal } from '../../../lib/client/combinators.js'
import { send } from '../../../lib/client/send.js'
import { putObject } from '../../../lib/operations/put-object.js'
import type { MemoryBudget } from '../../../lib/stages/memory-budget.js'
import { downloadStream } from '../../../lib/transfers/download/download-stream.js'
import type { EmulatorOptions } from '../../../lib/emulator/index.js'
import { bytesOf } from '../../support/bytes.js'
import { becomesTrue, waitFor } from '../../support/wait-for.js'
import { bucket, startCos, type Cos } from '../../support/cos.js'
import { settlesWithin } from '../../support/settles-within.js'
import { left, right, startServer } from '../../support/server.js'
import { catchCosError } from '../../support/responses.js'

const KiB = 1024
const MiB = KiB * KiB
const at = { bucket, key: 'down/load.bin' }
const bytes = bytesOf(5 * MiB + 13)

const startWithObject = async (
  t: { readonly teardown: (clean: () => unknown) => unknown },
  options: EmulatorOptions = {},
  body: Uint8Array = bytes
): Promise<Cos> => {
  const cos = await startCos(t, options)
  right(await send(putObject({ ...at, body }))(cos.client())())
  return cos
}

const read = async (body: AsyncIterable<unknown>): Promise<Buffer> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of body) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

t.test('downloadStream yields the bytes in order for any part size, and verifies them', async (t) => {
  const cos = await startWithObject(t)
  for (const [partSize, concurrency] of [
    [64 * KiB, 8],
    [MiB, 4],
    [777_777, 2],
    [MiB, 1],
    [100 * MiB, 4]
  ] as const) {
    const down = right(await downloadStream({ ...at, partSize, concurrency })(cos.client())())
    t.equal(down.size, bytes.length)
    t.ok(bytes.equals(await read(down.body)), `${String(partSize)} x ${String(concurrency)}`)
    t.match(right(await down.verified()), { _tag: 'Verified', crc64: await crc64(bytes) })
  }
})

t.test('an empty object yields no bytes and takes no GET', async (t) => {
  const cos = await startWithObject(t, {}, Buffer.alloc(0))
  const down = right(await downloadStream(at)(cos.client())())
  t.equal((await read(down.body)).length, 0)
  t.equal(right(await down.verified())._tag, 'Verified')
  t.same(cos.operations(), ['PutObject', 'HeadObject'])
})

t.test('a range that breaks off resumes at the next byte', async (t) => {
  let cuts = 0
  const cos = await startWithObject(t, {
    fault: ({ operation }) => {
      if (operation !== 'GetObject' || cuts >= 6) return undefined
      cuts += 1
      return { cut: { at: 'body', after: 100_000 * cuts } }
    }
  })
  const down = right(await downloadStream({ ...at, partSize: MiB })(cos.client())())
  t.ok(bytes.equals(await read(down.body)))
  t.equal(cuts, 6)
  const sent = cos.emulator
    .requests()
    .reduce((sum, { bytesOut, operation }) => sum + (operation === 'GetObject' ? bytesOut : 0), 0)
  t.ok(sent < bytes.length + 6 * 256 * KiB, `${String(sent)} bytes were sent`)
})

t.test('the stream fails with ObjectChanged if the object is replaced meanwhile', async (t) => {
  const cos = await startWithObject(t)
  const down = right(await downloadStream({ ...at, partSize: 256 * KiB, concurrency: 1 })(cos.client())())
  let size = 0
  const reading = (async () => {
    for await (const chunk of down.body) {
      size += (chunk as Buffer).length
      if (size >= 512 * KiB && size < 600 * KiB) {
        right(await send(putObject({ ...at, body: bytesOf(bytes.length, 2) }))(cos.client())())
      }
    }
  })()
  t.match(await catchCosError(reading), { _tag: 'ObjectChanged' })
  t.match(left(await down.verified()), { _tag: 'ObjectChanged' })
})

t.test('the stream fails with IntegrityError before its end if a byte has changed', async (t) => {
  const cos = await startWithObject(t, {
    fault: ({ operation, headers }) =>
      operation === 'GetObject' && headers['range']?.startsWith('bytes=1048576-') === true
        ? { flip: 5 }
        : undefined
  })
  const down = right(await downloadStream({ ...at, partSize: MiB })(cos.client())())
  t.match(await catchCosError(read(down.body)), { _tag: 'IntegrityError', check: 'crc64', part: O.none })
})

t.test('the stream fails with DecodeError if the server ignores Range', async (t) => {
  const cos = await startWithObject(t, {
    fault: ({ operation }) => (operation === 'GetObject' ? { ignoreRange: true } : undefined)
  })
  const down = right(await downloadStream({ ...at, partSize: MiB })(cos.client())())
  t.match(await catchCosError(read(down.body)), { _tag: 'DecodeError' })
})

t.test('a reader that pauses applies backpressure', async (t) => {
  const big = bytesOf(12 * MiB)
  const cos = await startWithObject(t, {}, big)
  const down = right(await downloadStream({ ...at, partSize: MiB, concurrency: 3 })(cos.client())())
  const iterator = down.body[Symbol.asyncIterator]()
  await iterator.next()
  await setTimeout(300)
  const requested = cos.count('GetObject')
  t.ok(requested <= 3, `${String(requested)} ranges were requested`)
  await iterator.return?.()
})

t.test('destroying the body closes every request at once', async (t) => {
  let [started, closed] = [0, 0]
  const head = { etag: '"e"', 'last-modified': 'Wed, 01 May 2024 08:31:00 GMT' }
  const server = await startServer(t, ({ method, headers }, response) => {
    if (method === 'HEAD') return response.writeHead(200, { ...head, 'content-length': 4 * MiB }).end()
    started += 1
    response.on('close', () => (closed += 1))
    const [, range = ''] = (headers.range ?? '').split('=')
    response.writeHead(206, {
      ...head,
      'content-length': MiB,
      'content-range': `bytes ${range}/${String(4 * MiB)}`
    })
    return response.write('start')
  })
  const down = right(await downloadStream({ ...at, partSize: MiB })(server.client())())
  down.body.once('data', () => undefined)
  await waitFor(() => started >= 4)
  t.same([started, closed], [4, 0])
  down.body.destroy()
  t.match(right(await down.verified()), { _tag: 'Unverifiable', reason: 'Unread' })
  // Connections are not counted: undici opens an idle one in place of one that was closed.
  t.ok(await becomesTrue(() => closed === 4))
})

t.test('a signal aborts the stream during a read', async (t) => {
  const cos = await startWithObject(t, {
    fault: ({ operation }) =>
      operation === 'GetObject' ? { stall: { after: 10, pause: 60_000 } } : undefined
  })
  const controller = new AbortController()
  const down = right(
    await withSignal(controller.signal)(downloadStream({ ...at, partSize: MiB }))(cos.client())()
  )
  const reading = read(down.body)
  await waitFor(() => cos.operations().includes('GetObject'))
  await setTimeout(20)
  controller.abort()
  t.ok(await settlesWithin(50, reading))
  t.match(await catchCosError(reading), { _tag: 'Aborted' })
  t.match(left(await down.verified()), { _tag: 'Aborted' })
})

t.test('a missing object or an invalid input fails before there is a stream', async (t) => {
  const cos = await startCos(t)
  t.match(left(await downloadStream(at)(cos.client())()), { _tag: 'ServiceError', status: 404 })
  t.match(left(await downloadStream({ ...at, concurrency: 0 })(cos.client())()), {
    _tag: 'InvalidInput',
    field: 'concurrency'
  })
})

t.test('a body that is destroyed while its reader pauses returns its memory to the client', async (t) => {
  const client = (await startWithObject(t)).client({ memoryLimit: 16 * MiB })
  const granted = (): number =>
    O.match(
      () => 0,
      (memory: MemoryBudget) => memory.granted()
    )(client.memory)
  for (const error of [undefined, new Error('left')]) {
    const { body } = right(await downloadStream({ ...at, partSize: MiB })(client)())
    body.on('error', () => undefined)
    await once(body, 'data')
    body.pause()
    // Then the buffer of the stream is full, and no read is pending.
    await waitFor(() => granted() >= 3 * MiB)
    await setTimeout(20)
    body.destroy(error)
    t.ok(await becomesTrue(() => granted() === 0), `${String(granted())} bytes are held`)
  }
})
