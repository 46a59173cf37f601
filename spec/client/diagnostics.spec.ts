import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t from 'tap'
import { script } from '../../lib/emulator/index.js'
import { publish, type PartEvent } from '../../lib/client/diagnostics.js'
import { downloadStream } from '../../lib/transfers/download/download-stream.js'
import { uploadStream } from '../../lib/transfers/upload/upload-stream.js'
import { bytesOf, splitBytes } from '../support/bytes.js'
import { waitFor } from '../support/wait-for.js'
import { bucket, startCos } from '../support/cos.js'
import { left, right } from '../support/server.js'

const MiB = 1024 * 1024
const to = { bucket, key: 'reported.bin' }

interface Teardown {
  readonly teardown: (clean: () => unknown) => unknown
}

/** The part events until the test ends. */
const collectPartEvents = (t: Teardown): ReadonlyArray<PartEvent> => {
  const events: Array<PartEvent> = []
  const listen = (event: unknown): void => {
    events.push(event as PartEvent)
  }
  subscribe('cospipe:part', listen)
  t.teardown(() => unsubscribe('cospipe:part', listen))
  return events
}

const most = (events: ReadonlyArray<PartEvent>): number => {
  let now = 0
  return Math.max(...events.map(({ phase }) => (now += phase === 'start' ? 1 : -1)))
}

const of = (events: ReadonlyArray<PartEvent>, phase: PartEvent['phase']): ReadonlyArray<number> =>
  events.flatMap((event) => (event.phase === phase ? [event.part] : [])).sort((a, b) => a - b)

t.test('an event is not built if its channel has no subscriber', async (t) => {
  let made = 0
  const event: PartEvent = {
    operation: 'x',
    ...to,
    part: 1,
    size: 1,
    direction: 'up',
    phase: 'end',
    error: ''
  }
  const make = (): PartEvent => {
    made += 1
    return event
  }
  publish('part', make)
  t.equal(made, 0)
  const events = collectPartEvents(t)
  publish('part', make)
  t.same(events, [event])
})

t.test('each part of an upload is published when it starts, and when COS has acknowledged it', async (t) => {
  const cos = await startCos(t)
  const events = collectPartEvents(t)
  const input = { ...to, partSize: MiB, concurrency: 2 }
  right(await uploadStream(input)(splitBytes(bytesOf(3 * MiB + 7), 50_000))(cos.client())())
  t.same(of(events, 'start'), [1, 2, 3, 4])
  t.same(of(events, 'end'), [1, 2, 3, 4])
  t.equal(most(events), 2)
  t.match(events.at(-1), { operation: 'uploadStream', ...to, direction: 'up', error: '' })
  t.same(
    events.filter(({ part }) => part === 4).map(({ size }) => size),
    [7, 7]
  )
})

t.test('an object in one PUT is published as part 1', async (t) => {
  const cos = await startCos(t)
  const events = collectPartEvents(t)
  right(await uploadStream(to)(splitBytes(bytesOf(10), 10))(cos.client())())
  t.match(events, [
    { part: 1, size: 10, phase: 'start' },
    { part: 1, size: 10, phase: 'end', error: '' }
  ])
})

t.test('a failed part and the parts aborted with it are published as ended', async (t) => {
  const refusal = { response: { status: 403, code: 'AccessDenied' } }
  const cos = await startCos(t, {
    fault: script([
      { operation: 'UploadPart', query: { partNumber: '2' }, fault: refusal },
      { operation: 'UploadPart', query: { partNumber: '1' }, fault: { delay: 60_000 } }
    ])
  })
  const events = collectPartEvents(t)
  const source = splitBytes(bytesOf(3 * MiB), 50_000)
  left(await uploadStream({ ...to, partSize: MiB, concurrency: 2 })(source)(cos.client())())
  t.same(of(events, 'end'), of(events, 'start'))
  // Part 1 is aborted with the error of part 2.
  for (const number of [1, 2]) {
    t.equal(events.find(({ part, phase }) => part === number && phase === 'end')?.error, 'ServiceError')
  }
})

t.test('each range of a download is published, and is Aborted if the reader stops early', async (t) => {
  const cos = await startCos(t)
  right(await uploadStream(to)(splitBytes(bytesOf(3 * MiB + 7), 50_000))(cos.client())())
  const events = collectPartEvents(t)
  const input = { ...to, partSize: MiB, concurrency: 2 }

  const whole = right(await downloadStream(input)(cos.client())())
  await whole.body.toArray()
  t.same(of(events, 'start'), [1, 2, 3, 4])
  t.same(of(events, 'end'), [1, 2, 3, 4])
  t.equal(events.filter(({ error }) => error !== '').length, 0)
  t.match(events[0], { operation: 'downloadStream', ...to, direction: 'down', size: MiB })

  const before = events.length
  const left = right(await downloadStream(input)(cos.client())())
  for await (const _ of left.body) break
  await waitFor(() => of(events, 'end').length === of(events, 'start').length)
  t.ok(events.slice(before).some(({ phase, error }) => phase === 'end' && error === 'Aborted'))
})
