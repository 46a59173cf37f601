/** From an answer to bytes on a socket: framed well or badly, whole or not, at any pace. */
import { chanceOf, type Chance } from './seeded-random.js'
import { mutated, text } from './mutations.js'
import type { Answer, Subject } from './targets.js'
import type { Asked, Script, Step } from './raw-server.js'

export interface Mutant {
  /** What was done, in words. */
  readonly did: ReadonlyArray<string>
  /** Nothing of it changes what the answer says. */
  readonly harmless: boolean
  /** The end of the body was left out, and that it was is plain to see. */
  readonly cut: boolean
  /** The answer's body before it was framed. */
  readonly payload: Buffer
  /** The head's bytes. */
  readonly head: Buffer
  readonly script: Script
}

type Framed = readonly [
  headers: ReadonlyArray<string>,
  body: Buffer,
  did: string,
  harmless: boolean,
  closes: boolean
]

const chunked = (body: Buffer, size: number): Buffer => {
  const chunks: Array<Buffer> = []
  for (let at = 0; at < body.length; at += size) {
    const chunk = body.subarray(at, at + size)
    chunks.push(text(`${chunk.length.toString(16)}\r\n`), chunk, text('\r\n'))
  }
  return Buffer.concat([...chunks, text('0\r\n\r\n')])
}

const framed = (body: Buffer, chance: Chance, tame: boolean): Framed => {
  const length = `Content-Length: ${String(body.length)}`
  const te = 'Transfer-Encoding: chunked'
  const pieces = chunked(body, chance.of([7, 64, 1000]))
  if (tame || chance.often(0.7)) {
    const way = chance.below(tame ? 2 : 3)
    if (way === 0) return [[te], pieces, 'chunked', true, false]
    return way === 1 ? [[length], body, 'measured', true, false] : [[], body, 'ended by closing', false, true]
  }
  const wrong = (by: number): string => `Content-Length: ${String(Math.max(0, body.length + by))}`
  return chance.of<() => Framed>([
    () => [[wrong(1 + chance.below(50))], body, 'a length too long', false, true],
    () => [[wrong(-1 - chance.below(50))], body, 'a length too short', false, false],
    () => [
      [`Content-Length: ${chance.of(['-1', 'NaN', '99999999999999999999', '1e2', '+5', '', '5, 5'])}`],
      body,
      'no length at all',
      false,
      true
    ],
    () => [[length, te], pieces, 'a length and chunks', false, false],
    () => [[length, wrong(3)], body, 'two lengths', false, false],
    () => [[te], body, 'chunks that are none', false, true],
    () => [[te], pieces.subarray(0, Math.max(0, pieces.length - 5)), 'no last chunk', false, true],
    () => [[te], Buffer.concat([text('FFFFFFFFFFFFFFFFFF\r\n'), body]), 'an endless chunk', false, true],
    () => [
      [te],
      Buffer.concat([pieces, text('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')]),
      'an answer nobody asked for',
      false,
      false
    ]
  ])()
}

const stops = ['close', 'reset', 'stay'] as const

/** How the bytes go out: at once or in pieces, with pauses that are short or too long, to the end or not. */
const delivered = (
  bytes: Buffer,
  chance: Chance,
  tame: boolean,
  closes: boolean
): readonly [ReadonlyArray<Step>, string] => {
  const say = (part: Buffer): Step => ({ _tag: 'Say', bytes: part })
  const wait = (milliseconds: number): Step => ({ _tag: 'Wait', milliseconds })
  const end: ReadonlyArray<Step> = closes ? [wait(2), { _tag: 'End', how: 'close' }] : []
  const way = chance.below(tame ? 3 : 6)
  if (way === 0) return [[say(bytes), ...end], 'at once']
  if (way <= 2) {
    const steps: Array<Step> = []
    const size = Math.ceil(bytes.length / (2 + chance.below(10)))
    for (let at = 0; at < bytes.length; at += size)
      steps.push(say(bytes.subarray(at, at + size)), wait(chance.below(4)))
    return [[...steps, ...end], 'in pieces']
  }
  if (way === 3) return [[say(bytes), ...end], 'at once']
  const at = chance.below(bytes.length)
  const how = chance.of(stops)
  return [[say(bytes.subarray(0, at)), wait(3), { _tag: 'End', how }], `${how} at byte ${String(at)}`]
}

const statusLine = (status: number, chance: Chance, tame: boolean): string =>
  tame || chance.often(0.97)
    ? `HTTP/1.1 ${String(status)} OK`
    : chance.of([
        'HTTP/1.0 200 OK',
        'HTTP/9.9 200 OK',
        'HTTP/1.1 abc',
        'HTTP/1.1 20',
        'ICY 200 OK',
        '\u0016\u0003\u0001\u0002',
        'HTTP/1.1  200',
        ''
      ])

const noise = [
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n',
  'HTTP/1.1 102 Processing\r\n\r\n',
  '\r\n\r\n'
]

/** HEAD and 204 have none, whatever is said of it. */
const isBodiless = (subject: Subject): boolean =>
  subject.action === 'HeadObject' || subject.truth.status === 204

const mutantFrom = (subject: Subject, chance: Chance): Mutant & { readonly steps: ReadonlyArray<Step> } => {
  const draft = mutated(subject, chance)
  const tame = draft.harmless && chance.often(0.6)
  const payload = draft.answer.body
  const isHead = subject.action === 'HeadObject'
  const [headers, body, how, same, closes]: Framed =
    isBodiless(subject) && chance.often(0.9)
      ? [isHead ? [`Content-Length: ${String(payload.length)}`] : [], text(''), 'without a body', true, false]
      : framed(payload, chance, tame)
  const line = statusLine(draft.answer.status, chance, tame)
  const head = Buffer.from(
    [line, ...draft.answer.headers.map(([name, value]) => `${name}: ${value}`), ...headers, '', ''].join(
      '\r\n'
    )
  )
  const before = !tame && chance.often(0.08) ? chance.of(noise) : ''
  const after = !tame && chance.often(0.05) ? chance.of(['\r\n', 'x', noise[0] ?? '']) : ''
  const whole = Buffer.concat([text(before), head, body, text(after)])
  const [steps, pace] = delivered(whole, chance, tame, closes)
  return {
    did: [...draft.did, line, how, before, after, pace].filter((word) => word !== ''),
    // A body behind a head that has none is another answer.
    harmless: tame && same && !(isBodiless(subject) && body.length > 0),
    cut: draft.cut,
    // What ends with the connection has all that came before.
    payload: closes ? Buffer.concat([payload, text(after)]) : payload,
    head,
    steps,
    script: { early: !tame && chance.often(0.1), continues: tame || chance.often(0.6), steps: () => steps }
  }
}

const plainly = ({ status, headers, body }: Answer, bare: boolean): Buffer =>
  Buffer.concat([
    text(
      [
        `HTTP/1.1 ${String(status)} OK`,
        ...headers.map(([name, value]) => `${name}: ${value}`),
        `Content-Length: ${String(body.length)}`,
        '',
        ''
      ].join('\r\n')
    ),
    bare ? text('') : body
  ])

/** A download asks several times: each time something else may happen, or nothing. */
const download = (subject: Subject, seed: string): Mutant => {
  const did: Array<string> = []
  const { headers, body } = subject.truth
  const steps = (asked: Asked): ReadonlyArray<Step> => {
    const range = /^range: *bytes=(\d+)-(\d+)/im.exec(asked.head)
    const [first, last] = [Number(range?.[1] ?? 0), Number(range?.[2] ?? body.length - 1)]
    const truth: Answer =
      range === null
        ? subject.truth
        : {
            status: 206,
            headers: [
              ...headers,
              ['Content-Range', `bytes ${String(first)}-${String(last)}/${String(body.length)}`]
            ],
            body: body.subarray(first, last + 1)
          }
    const chance = chanceOf(`${seed}:${asked.method}:${String(first)}`)
    const asIs = chance.often(0.6)
    const action = asked.method === 'HEAD' ? 'HeadObject' : 'GetObject'
    if (asIs) return [{ _tag: 'Say', bytes: plainly(truth, action === 'HeadObject') }]
    const one = mutantFrom({ ...subject, action, truth }, chance)
    did.push(`${asked.method} ${String(first)}: ${one.did.join(', ')}`)
    return one.steps
  }
  return {
    did,
    harmless: false,
    cut: false,
    payload: body,
    head: text(''),
    script: { early: false, continues: true, steps }
  }
}

/** One of the answers that the subject may get. */
export const mutantOf = (subject: Subject, seed: string): Mutant =>
  subject.name === 'downloadStream' ? download(subject, seed) : mutantFrom(subject, chanceOf(seed))
