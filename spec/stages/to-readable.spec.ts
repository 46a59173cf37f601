import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { toReadable } from '../../lib/stages/to-readable.js'
import { yieldThenFail, from, toArray } from '../support/iterables.js'
import { settlesWithin } from '../support/settles-within.js'

const doNothing = () => undefined

t.test('bytes keep their order, and close is called once', async (t) => {
  let closed = 0
  const readable = toReadable(from(Buffer.from('1234'), Buffer.from('56789')), () => (closed += 1))
  t.equal(Buffer.concat(await readable.toArray()).toString(), '123456789')
  t.equal(closed, 1)
})

t.test('a paused reader pauses the source after about 64 KiB', async (t) => {
  let given = 0
  const endless = async function* () {
    for (;;) {
      given += 16 * 1024
      yield Buffer.alloc(16 * 1024)
    }
  }
  const readable = toReadable(endless(), doNothing)
  await once(readable, 'readable')
  await setTimeout(20)
  t.ok(given <= 5 * 16 * 1024, String(given))
  readable.destroy()
})

t.test('a destroyed stream closes its source at once, also during a read', async (t) => {
  // A body whose server went silent after its first bytes.
  const stalled = new Readable({ read: doNothing })
  stalled.push(Buffer.from('1234'))
  const bytes = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
    const source: AsyncIterable<Uint8Array> = stalled
    for await (const chunk of source) yield chunk
  }
  const readable = toReadable(bytes(), () => stalled.destroy())
  const [first] = (await once(readable, 'data')) as ReadonlyArray<unknown>
  t.equal(String(first), '1234')
  const closed = once(readable, 'close')
  readable.destroy()
  t.ok(await settlesWithin(50, closed))
  t.equal(readable.closed, true)
  t.equal(stalled.destroyed, true)
})

t.test('a stream that was never read is closed when it is destroyed', async (t) => {
  let closed = 0
  const readable = toReadable(from(Buffer.from('1')), () => (closed += 1))
  readable.destroy()
  await once(readable, 'close')
  t.equal(closed, 1)
})

t.test('an error of the source fails the pipeline', async (t) => {
  let closed = 0
  const readable = toReadable(yieldThenFail(new Error('disk'), Buffer.from('1')), () => (closed += 1))
  await t.rejects(pipeline(readable, toArray), { message: 'disk' })
  t.equal(closed, 1)
})
