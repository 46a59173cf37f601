import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { CosException, type CosError } from '../../lib/core/error.js'
import { contextOf } from '../../lib/core/operation.js'
import type { Client } from '../../lib/client/client.js'
import type { ByteRange } from '../../lib/core/operation.js'
import { readRange } from '../../lib/client/read-range.js'
import { send } from '../../lib/client/send.js'
import type { EmulatorOptions } from '../../lib/emulator/index.js'
import { headObject } from '../../lib/operations/head-object.js'
import { putObject } from '../../lib/operations/put-object.js'
import { bytesOf } from '../support/bytes.js'
import { becomesTrue } from '../support/wait-for.js'
import { bucket, startCos } from '../support/cos.js'
import { right } from '../support/server.js'

const at = { bucket, key: 'stretch.bin' }
const bytes = bytesOf(1_000_000)
const context = contextOf('reading', at)
const all: ByteRange = { first: 0, last: bytes.length - 1 }

const startWithObject = async (t: Parameters<typeof startCos>[0], options: EmulatorOptions = {}) => {
  const cos = await startCos(t, options)
  const client = cos.client({ retry: { attempts: 3, base: 1 } })
  right(await send(putObject({ ...at, body: bytes }))(client)())
  const { etag } = right(await send(headObject(at))(client)())
  const ranges = (): ReadonlyArray<string | undefined> =>
    cos.emulator
      .requests()
      .filter(({ operation }) => operation === 'GetObject')
      .map(({ headers }) => headers['range'])
  return { cos, client, pinned: { ...at, etag }, ranges }
}

interface Read {
  readonly bytes: Buffer
  readonly error: CosError | undefined
}

const read = async (
  client: Client,
  pinned: Parameters<typeof readRange>[2],
  stretch: ByteRange
): Promise<Read> => {
  const chunks: Array<Uint8Array> = []
  try {
    for await (const chunk of readRange(client, context, pinned, stretch)) chunks.push(chunk)
    return { bytes: Buffer.concat(chunks), error: undefined }
  } catch (thrown) {
    if (!(thrown instanceof CosException)) throw thrown
    return { bytes: Buffer.concat(chunks), error: thrown.error }
  }
}

t.test('an object with a weak ETag is read without a condition, and its ETags are compared', async (t) => {
  const weakened = 'W/"5af43b82-16"'
  let etag = weakened
  const { cos, client, pinned } = await startWithObject(t, {
    fault: ({ operation }) => (operation === 'GetObject' ? { headers: { etag } } : undefined)
  })
  const weak = { ...pinned, etag: weakened }
  t.same(await read(client, weak, { first: 10, last: 99 }), {
    bytes: bytes.subarray(10, 100),
    error: undefined
  })
  t.equal(cos.emulator.requests().at(-1)?.headers['if-match'], undefined)
  etag = 'W/"another"'
  t.match(await read(client, weak, all), {
    error: { _tag: 'ObjectChanged', expected: weakened, got: O.some('W/"another"') }
  })
})

t.test('readRange yields the bytes of the range in one request', async (t) => {
  const { client, pinned, ranges } = await startWithObject(t)
  const some = await read(client, pinned, { first: 10, last: 99 })
  t.same(some, { bytes: bytes.subarray(10, 100), error: undefined })
  t.same(ranges(), ['bytes=10-99'])
})

t.test(
  'a body that breaks off is resumed at the next byte, any number of times while bytes arrive',
  async (t) => {
    const { client, pinned, ranges } = await startWithObject(t, {
      // More cuts than a call has attempts: each request returned bytes.
      fault: ({ operation, count }) =>
        operation === 'GetObject' && count <= 8 ? { cut: { at: 'body', after: 100_000 } } : undefined
    })
    const { bytes: got, error } = await read(client, pinned, all)
    t.equal(error, undefined)
    t.ok(bytes.equals(got))
    const firsts = ranges().map((range) => Number(/bytes=(\d+)-999999/.exec(range ?? '')?.[1]))
    t.equal(firsts.length, 9)
    t.ok(
      firsts.every((first, n) => n === 0 || first > (firsts[n - 1] ?? 0)),
      firsts.join()
    )
  }
)

t.test(
  'a server that sends a few bytes a request is given up after the attempts of the policy',
  async (t) => {
    const { client, pinned, ranges } = await startWithObject(t, {
      fault: ({ operation }) => (operation === 'GetObject' ? { cut: { at: 'body', after: 1000 } } : undefined)
    })
    const { bytes: got, error } = await read(client, pinned, all)
    t.match(error, { _tag: 'TransportError' })
    t.ok(bytes.subarray(0, got.length).equals(got))
    t.equal(ranges().length, 3)
  }
)

t.test('no request of a range starts after the overall deadline', async (t) => {
  const { client, pinned, ranges } = await startWithObject(t, {
    fault: ({ operation }) =>
      operation === 'GetObject' ? { cut: { at: 'body', after: 100_000 } } : undefined
  })
  const hurried = {
    ...client,
    timeouts: { ...client.timeouts, overall: 2000 },
    retry: { ...client.retry, base: 60_000, cap: 60_000, random: () => 0.9 }
  }
  t.match((await read(hurried, pinned, all)).error, { _tag: 'TransportError' })
  t.equal(ranges().length, 1)
})

t.test('a body that ends early without an error is resumed too', async (t) => {
  const { client, pinned } = await startWithObject(t, {
    fault: ({ operation, count }) =>
      operation === 'GetObject' && count === 1 ? { shorten: 1000 } : undefined
  })
  t.ok(bytes.equals((await read(client, pinned, all)).bytes))
})

t.test(
  'readRange fails after the attempts of the policy without a new byte, and keeps the bytes before',
  async (t) => {
    const { client, pinned, ranges } = await startWithObject(t, {
      fault: ({ operation, count }) =>
        operation === 'GetObject' ? { cut: { at: 'body', after: count === 1 ? 1000 : 0 } } : undefined
    })
    const { bytes: got, error } = await read(client, pinned, all)
    t.match(error, { _tag: 'TransportError' })
    t.ok(bytes.subarray(0, got.length).equals(got))
    t.equal(ranges().length, 3)
  }
)

t.test('readRange fails with ObjectChanged if the object was replaced or deleted', async (t) => {
  const { client, pinned } = await startWithObject(t)
  right(await send(putObject({ ...at, body: 'other' }))(client)())
  const changed = { _tag: 'ObjectChanged', expected: pinned.etag }
  t.match((await read(client, pinned, { first: 0, last: 1 })).error, changed)
  const gone = { ...pinned, key: 'gone' }
  t.match((await read(client, gone, { first: 0, last: 1 })).error, changed)
})

t.test(
  'readRange fails with ObjectChanged if a cache ignores If-Match and returns another ETag',
  async (t) => {
    const { client, pinned } = await startWithObject(t, {
      fault: ({ operation }) => (operation === 'GetObject' ? { headers: { etag: '"other"' } } : undefined)
    })
    t.match(await read(client, pinned, all), {
      bytes: { length: 0 },
      error: { _tag: 'ObjectChanged', expected: pinned.etag, got: O.some('"other"') }
    })
  }
)

t.test('the connection closes if the reader stops early', async (t) => {
  const { cos, client, pinned } = await startWithObject(t, {
    fault: ({ operation }) =>
      operation === 'GetObject' ? { stall: { after: 100_000, pause: 60_000 } } : undefined
  })
  await client.close()
  for await (const _ of readRange(cos.client(), context, pinned, all)) break
  t.ok(await becomesTrue(() => cos.emulator.openConnections() === 0))
})
