import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import {
  createSocketBuffer,
  createTurn,
  type SocketBuffer,
  type Turn
} from '../../lib/client/socket-buffer.js'
import { KiB } from '../../lib/core/limits.js'
import { freeOwned } from '../../lib/core/owned-memory.js'

/** Reads as Node does: into the buffer that the last read returned, until a read returns false. */
const startReads = (pushed: Array<Uint8Array>, turn: Turn = createTurn()) => {
  const buffer: SocketBuffer = createSocketBuffer(turn, (bytes) => pushed.push(bytes) > 0)
  const next = (): Uint8Array =>
    typeof buffer.onread.buffer === 'function' ? buffer.onread.buffer() : buffer.onread.buffer
  let memory = next()
  let sent = 0
  /** Returns whether Node would read more. */
  const read = (size: number): boolean => {
    const count = Math.min(size, memory.length)
    for (let at = 0; at < count; at += KiB) memory[at] = (sent + at) / KiB
    sent += count
    const mayContinue = buffer.onread.callback(count, memory)
    memory = next()
    return mayContinue
  }
  return { read, flush: buffer.flush, room: () => memory.length }
}

const sizesIn = (chunks: ReadonlyArray<Uint8Array>): ReadonlyArray<number> =>
  chunks.map(({ length }) => length / KiB)

/** Whether each KiB has its number in its first byte. */
const isInOrder = (chunks: ReadonlyArray<Uint8Array>): boolean =>
  Buffer.concat(chunks)
    .filter((_, at) => at % KiB === 0)
    .every((byte, at) => byte === at % 256)

t.test(
  'the block grows to 256 KiB while reads fill it, and shrinks to 64 KiB while they do not',
  async (t) => {
    const pushed: Array<Uint8Array> = []
    const { read, room } = startReads(pushed)
    const rooms: Array<number> = []
    for (const size of [256, 256, 256, 256, 128, 64, 64, 32, 16.5, 16.5].map((size) => size * KiB)) {
      rooms.push(room() / KiB)
      read(size)
      await setImmediate()
    }
    t.strictSame(rooms, [64, 128, 256, 256, 256, 256, 128, 128, 64, 64])
    t.ok(isInOrder(pushed.slice(0, 7)))
  }
)

t.test('a chunk keeps no more memory alive than it has bytes', async (t) => {
  const pushed: Array<Uint8Array> = []
  const { read } = startReads(pushed)
  read(64 * KiB)
  read(100 * KiB)
  await setImmediate()
  t.strictSame(
    pushed.map(({ buffer }) => buffer.byteLength / KiB),
    [64, 100]
  )
})

t.test('the reader of a chunk may free its memory', async (t) => {
  const pushed: Array<Uint8Array> = []
  const { read } = startReads(pushed)
  for (const size of [64, 100, 16, 3]) read(size * KiB)
  await setImmediate()
  const [block, copy, ...others] = pushed
  for (const chunk of [block, copy]) if (chunk !== undefined) freeOwned(chunk)
  t.strictSame(sizesIn(pushed).slice(0, 2), [0, 0], 'a block, and a copy of a part')
  for (const chunk of others) freeOwned(chunk)
  read(5 * KiB)
  await setImmediate()
  t.strictSame(sizesIn(pushed.slice(-1)), [5], 'and the connection reads more')
})

t.test('bytes that were delivered do not change with later reads', async (t) => {
  const pushed: Array<Uint8Array> = []
  const { read } = startReads(pushed)
  for (const size of [20, 16, 5, 64, 128, 16, 3]) read(size * KiB)
  await setImmediate()
  for (const size of [16, 7, 20]) read(size * KiB)
  await setImmediate()
  t.ok(isInOrder(pushed))
})

t.test('pieces of TLS that arrive in one turn are delivered as one chunk', async (t) => {
  const pushed: Array<Uint8Array> = []
  const { read } = startReads(pushed)
  t.ok(read(16 * KiB))
  t.ok(read(16 * KiB))
  t.strictSame(pushed, [], 'more may follow in this turn')
  await setImmediate()
  t.strictSame(sizesIn(pushed), [32])
  read(16 * KiB)
  read(4 * KiB)
  t.strictSame(sizesIn(pushed), [32, 20], 'a smaller piece is the last')
  t.ok(isInOrder(pushed))
})

t.test('after 512 KiB in a turn, bytes wait for the next one, of all connections of a client', async (t) => {
  const turn = createTurn()
  const [one, other]: readonly [Array<Uint8Array>, Array<Uint8Array>] = [[], []]
  const busy = startReads(one, turn)
  const idle = startReads(other, turn)
  for (let size = 64; size <= 256; size *= 2) t.ok(busy.read(size * KiB))
  t.ok(busy.read(256 * KiB), 'the limit is passed by less than a chunk')
  t.notOk(busy.read(256 * KiB))
  t.notOk(idle.read(17 * KiB))
  t.strictSame([sizesIn(one), sizesIn(other)], [[64, 128, 256, 256], []])
  await setImmediate()
  t.strictSame([sizesIn(one), sizesIn(other)], [[64, 128, 256, 256, 256], [17]])
  t.ok(isInOrder(one))
})

t.test('flush delivers the bytes that wait, once', async (t) => {
  const pushed: Array<Uint8Array> = []
  const { read, flush } = startReads(pushed)
  read(16 * KiB)
  flush()
  flush()
  t.strictSame(sizesIn(pushed), [16])
  read(KiB)
  await setImmediate()
  t.strictSame(sizesIn(pushed), [16, 1])
  t.ok(isInOrder(pushed))
})
