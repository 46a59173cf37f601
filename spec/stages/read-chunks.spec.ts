import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { readChunks } from '../../lib/stages/read-chunks.js'
import { settlesWithin } from '../support/settles-within.js'
import { toArray } from '../support/iterables.js'

const KiB = 1024
const never = () => undefined
const textOf = (chunks: ReadonlyArray<Uint8Array>): ReadonlyArray<string> =>
  chunks.map((chunk) => Buffer.from(chunk).toString())

t.test('chunks arrive as they were pushed, also those that arrive together', async (t) => {
  const source = new Readable({ read: never })
  for (const text of ['12', '345', '6', '789']) source.push(text)
  source.push(null)
  t.same(textOf(await toArray(readChunks(source))), ['12', '345', '6', '789'])
})

t.test('chunks that arrive one by one are read one by one', async (t) => {
  const source = new Readable({ read: never })
  const chunks = readChunks(source)
  for (const text of ['1', '2', '3']) {
    const read = chunks.next()
    await setTimeout(1)
    source.push(text)
    t.equal(String((await read).value), text)
  }
  source.push(null)
  t.same(await chunks.next(), { done: true, value: undefined })
  t.same(await chunks.next(), { done: true, value: undefined })
})

t.test('nothing is read before the first next', async (t) => {
  let reads = 0
  const source = new Readable({ read: () => (reads += 1) })
  const chunks = readChunks(source)
  await setTimeout(5)
  t.equal(reads, 0)
  await chunks.return()
  t.ok(source.destroyed)
})

t.test('a paused reader pauses the source', async (t) => {
  let given = 0
  const endless = new Readable({
    highWaterMark: 16 * KiB,
    read() {
      given += 16 * KiB
      this.push(Buffer.alloc(16 * KiB))
    }
  })
  const chunks = readChunks(endless)
  await chunks.next()
  await setTimeout(20)
  t.ok(given <= 8 * 16 * KiB, String(given))
  for (let n = 0; n < 20; n += 1) t.equal((await chunks.next()).value?.length, 16 * KiB)
  await chunks.return()
})

t.test('return destroys the stream, and ends a pending read', async (t) => {
  const stalled = new Readable({ read: never })
  const chunks = readChunks(stalled)
  const read = chunks.next()
  t.ok(await settlesWithin(50, chunks.return()))
  t.same(await read, { done: true, value: undefined })
  t.ok(stalled.destroyed)
})

t.test('a reader that stops early destroys the stream', async (t) => {
  const source = Readable.from([Buffer.from('1'), Buffer.from('2')], { objectMode: false })
  for await (const _ of readChunks(source)) break
  t.ok(source.destroyed)
})

t.test('an error of the stream fails the read after all chunks before it', async (t) => {
  const source = new Readable({ read: never })
  const chunks = readChunks(source)
  const first = chunks.next()
  for (const text of ['1', '2', '3']) source.push(text)
  t.equal(String((await first).value), '1')
  source.destroy(new Error('reset'))
  const rest: Array<string> = []
  const reading = (async () => {
    for await (const chunk of chunks) rest.push(String(chunk))
  })()
  await t.rejects(reading, { message: 'reset' })
  t.same(rest, ['2', '3'])
})

t.test('an error before the first read fails the first read', async (t) => {
  const source = new Readable({ read: never }).on('error', never)
  source.destroy(new Error('reset'))
  await new Promise((resolve) => source.once('close', resolve))
  await t.rejects(readChunks(source).next(), { message: 'reset' })
})

t.test('a stream that is destroyed without an error fails the read', async (t) => {
  const source = new Readable({ read: never })
  const read = readChunks(source).next()
  source.destroy()
  await t.rejects(read, { message: 'the stream was destroyed before its end' })
  await t.rejects(readChunks(source).next(), { message: 'the stream was destroyed before its end' })
})

t.test('a stream that has ended has no chunks', async (t) => {
  const source = Readable.from([])
  await source.toArray()
  t.same(await readChunks(source).next(), { done: true, value: undefined })
})
