import { isDeepStrictEqual } from 'node:util'
import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { eventReader, type EventProblem, type SelectEvent } from '../../lib/core/event-stream.js'
import { processorTime } from '../support/processor-time.js'
import {
  encodeEvent,
  frameMessage,
  encodeHeader,
  encodeMessage,
  recordedMessage,
  recordedMessages
} from '../support/select-messages.js'

/** Events as a spec can compare them: bytes as text, neighbours joined, for where they were cut says nothing. */
type Comparable =
  { readonly _tag: 'Records'; readonly text: string } | Exclude<SelectEvent, { _tag: 'Records' }>

interface Outcome {
  readonly events: ReadonlyArray<Comparable>
  readonly problem: EventProblem | undefined
}

const toComparable = (event: SelectEvent): Comparable =>
  event._tag === 'Records' ? { _tag: 'Records', text: Buffer.from(event.bytes).toString('latin1') } : event

/** Runs the fold over chunks, to its end or its first problem. */
const read = (...chunks: ReadonlyArray<Uint8Array>): Outcome => {
  const folding = eventReader()
  const events: Array<Comparable> = []
  for (const step of [...chunks.map((chunk) => () => folding.step(chunk)), () => folding.finish()]) {
    const result = step()
    if (E.isLeft(result)) return { events, problem: result.left }
    events.push(...result.right.map(toComparable))
  }
  return { events, problem: undefined }
}

const end = { _tag: 'End' } as const
const incomplete = { _tag: 'Incomplete' } as const
const records = (text: string): Comparable => ({ _tag: 'Records', text })

t.test('each recorded message is decoded to its event', async (t) => {
  const all = recordedMessages()
  t.equal(all.length, 6)
  for (const { name, hex, size, event } of all) {
    const bytes = Buffer.from(hex, 'hex')
    t.equal(bytes.length, size, name)
    const last = event._tag === 'End' || event._tag === 'Error'
    t.same(read(bytes), { events: [event], problem: last ? undefined : incomplete }, name)
  }
})

const whole = Buffer.concat(['Cont', 'Records', 'Progress', 'Records', 'Stats', 'End'].map(recordedMessage))
const expected = ['Cont', 'Records', 'Progress', 'Records', 'Stats', 'End'].map((name) => {
  const found = recordedMessages().find((message) => message.name === name)
  return found?.event
})

t.test('the events of a stream do not depend on where it is cut', async (t) => {
  const atOnce = read(whole)
  t.same(atOnce, { events: expected, problem: undefined })
  const cuts = Array.from({ length: whole.length + 1 }, (_, at) => at)
  const isWrong = (at: number): boolean =>
    !isDeepStrictEqual(read(whole.subarray(0, at), whole.subarray(at)), atOnce)
  t.same(cuts.filter(isWrong), [], 'the positions of cuts that change an event')
  const bytewise = Array.from(whole, (byte) => Uint8Array.of(byte))
  t.same(read(...bytewise), { events: expected, problem: undefined }, 'byte by byte')
  t.same(
    read(...bytewise.flatMap((byte) => [new Uint8Array(), byte])).events,
    expected,
    'with nothing between'
  )
})

t.test('a stream without an End is Incomplete, even between messages', async (t) => {
  const sizes = Array.from({ length: whole.length }, (_, size) => size)
  const isWrong = (size: number): boolean =>
    !isDeepStrictEqual(read(whole.subarray(0, size)).problem, incomplete)
  t.same(sizes.filter(isWrong), [], 'the sizes that are not Incomplete')
})

t.test('an event is returned as soon as its message is complete', async (t) => {
  const folding = eventReader()
  const first = recordedMessage('Records')
  t.same(folding.step(first.subarray(0, -1)), E.right([]))
  const given = folding.step(first.subarray(-1))
  t.same(E.isRight(given) ? given.right.map(toComparable) : given, [records('1,Ann\n2,Bo\n')])
})

t.test('a flipped bit is detected anywhere, and its message has no event', async (t) => {
  const bytes = Buffer.concat([recordedMessage('Cont'), recordedMessage('Records'), recordedMessage('End')])
  const [start, stop] = [57, 57 + 112]
  for (let at = start; at < stop; at += 1) {
    const broken = Buffer.from(bytes)
    broken[at] = (broken[at] ?? 0) ^ 0x10
    const { events, problem } = read(broken)
    t.same(events, [{ _tag: 'Cont' }], `byte ${String(at - start)}`)
    t.equal(problem?._tag, 'Checksum', `byte ${String(at - start)}`)
  }
})

t.test('a wrong checksum is reported with the expected one', async (t) => {
  const broken = recordedMessage('Records')
  broken[97] = 0x32
  t.same(read(broken).problem, { _tag: 'Checksum', expected: '3f6c0e55', got: 'a68e6854' })
})

t.test('events before an error are returned, wherever the stream is cut', async (t) => {
  const broken = Buffer.from(recordedMessage('Records'))
  broken[100] = 0
  const bytes = Buffer.concat([recordedMessage('Records'), broken, recordedMessage('End')])
  for (let at = 0; at <= bytes.length; at += 1) {
    const { events, problem } = read(bytes.subarray(0, at), bytes.subarray(at))
    t.same(events, [records('1,Ann\n2,Bo\n')], `cut at ${String(at)}`)
    t.equal(problem?._tag, 'Checksum', `cut at ${String(at)}`)
  }
})

t.test('an error is final: every later step returns it', async (t) => {
  const folding = eventReader()
  const broken = Buffer.from(recordedMessage('Cont'))
  broken[0] = 1
  t.equal(E.isLeft(folding.step(broken)), true)
  t.equal(E.isLeft(folding.step(recordedMessage('End'))), true)
  t.equal(E.isLeft(folding.finish()), true)
})

t.test('bytes after an End or an Error are ignored', async (t) => {
  const rubbish = Buffer.from('<html>Bad Gateway</html>')
  t.same(read(recordedMessage('End'), rubbish), { events: [end], problem: undefined })
  t.same(read(Buffer.concat([recordedMessage('End'), rubbish])), { events: [end], problem: undefined })
  const error = {
    _tag: 'Error',
    code: 'OverMaxRecordSize',
    message: 'The length of a record is greater than 1 MB'
  }
  t.same(read(Buffer.concat([recordedMessage('Error'), recordedMessage('Records')])), {
    events: [error],
    problem: undefined
  })
})

t.test('an Error after records does not change the records', async (t) => {
  const { events } = read(Buffer.concat([recordedMessage('Records'), recordedMessage('Error')]))
  t.match(events, [records('1,Ann\n2,Bo\n'), { _tag: 'Error', code: 'OverMaxRecordSize' }])
})

t.test('a record that is cut within a character is returned in its pieces', async (t) => {
  const text = Buffer.from('北京\n')
  const pieces = [text.subarray(0, 1), text.subarray(1, 4), text.subarray(4)]
  const bytes = pieces.flatMap((piece) => [encodeEvent('Records', piece), encodeEvent('Cont')])
  const { events } = read(Buffer.concat([...bytes, encodeEvent('End')]))
  const got = events.flatMap((event) => (event._tag === 'Records' ? [Buffer.from(event.text, 'latin1')] : []))
  t.equal(got.length, 3)
  t.equal(Buffer.concat(got).toString(), '北京\n')
})

t.test('headers are read in any order, and unknown ones are ignored', async (t) => {
  const records = encodeMessage(
    { ':content-type': 'x', ':event-type': 'Records', ':new': 'one', ':message-type': 'event' },
    'a'
  )
  t.same(read(records, encodeEvent('End')).events, [{ _tag: 'Records', text: 'a' }, end])
})

t.test('an event of an unknown type is skipped', async (t) => {
  t.same(read(encodeEvent('Weather', 'rain'), encodeEvent('End')), { events: [end], problem: undefined })
  t.same(read(encodeMessage({}), encodeEvent('End')), { events: [end], problem: undefined })
})

t.test('an Error without code and message is an Error', async (t) => {
  t.same(read(encodeMessage({ ':message-type': 'error' })).events, [{ _tag: 'Error', code: '', message: '' }])
})

t.test('Stats are read with an XML declaration and in any order', async (t) => {
  const xml =
    '<?xml version="1.0" encoding="UTF-8"?><Stats><BytesReturned>3</BytesReturned>' +
    '<BytesScanned>1</BytesScanned><BytesProcessed>9007199254740</BytesProcessed></Stats>'
  t.same(read(encodeEvent('Stats', xml), encodeEvent('End')).events, [
    { _tag: 'Stats', stats: { bytesScanned: 1, bytesProcessed: 9007199254740, bytesReturned: 3 } },
    end
  ])
})

t.test('a message with right checksums and wrong content is Malformed', async (t) => {
  const type = encodeHeader(':message-type', 'event')
  const cases: ReadonlyArray<readonly [string, Uint8Array, RegExp]> = [
    ['shorter than its headers', frameMessage(type, new Uint8Array(), 20), /shorter than its headers/],
    [
      'too long to be true',
      frameMessage(type, new Uint8Array(), 17 * 1024 * 1024),
      /a message of 17825792 bytes/
    ],
    [
      'a header that goes on',
      frameMessage(type.subarray(0, -1), Buffer.from('t')),
      /exceeds the header block/
    ],
    [
      'a header cut in its length',
      frameMessage(type.subarray(0, 16), new Uint8Array()),
      /exceeds the header block/
    ],
    [
      'a header that is a number',
      frameMessage(encodeHeader(':n', 'four', 4), new Uint8Array()),
      /not text: :n/
    ],
    [
      'a name that is not UTF-8',
      frameMessage(Uint8Array.of(1, 0xff, 7, 0, 0), new Uint8Array()),
      /not UTF-8/
    ],
    ['stats that are no XML', encodeEvent('Stats', 'lots'), /./],
    [
      'stats that are no numbers',
      encodeEvent('Stats', '<Stats><BytesScanned>x</BytesScanned></Stats>'),
      /whole/
    ],
    ['progress cut short', encodeEvent('Progress', '<Progress><BytesScanned>1</BytesScanned>'), /./]
  ]
  for (const [name, bytes, message] of cases) {
    const { events, problem } = read(bytes, encodeEvent('End'))
    t.same(events, [], name)
    t.match(problem, { _tag: 'Malformed', message }, name)
  }
})

t.test('reading many messages in one chunk takes linear time', async (t) => {
  const timeReading = (count: number): number => {
    const many = Buffer.concat([
      ...Array.from({ length: count }, () => encodeEvent('Records', 'x')),
      encodeEvent('End')
    ])
    // The best of three: the first is run before the code is compiled.
    const runs = [1, 2, 3].map(() => {
      const before = processorTime()
      t.equal(read(many).events.length, count + 1)
      return processorTime() - before
    })
    return Math.min(...runs)
  }
  // Copying what is left after each message would make it a hundred times as long.
  const [few, many] = [timeReading(500), timeReading(5_000)]
  t.ok(many < 40 * few, `${String(few)} ms, and ${String(many)} ms for ten times as many`)
})
