/** Turns a response into bytes on a socket: framed correctly or not, complete or cut, at any pace. */
import { randomFrom, type Random } from './seeded-random.js'
import { mutate, text } from './mutations.js'
import type { RawResponse, Target } from './targets.js'
import type { ReceivedHead, Script, Step } from './raw-server.js'

export interface Mutant {
  /** The mutations. */
  readonly description: ReadonlyArray<string>
  /** No mutation changes the meaning of the response. */
  readonly harmless: boolean
  /** The end of the body is missing, detectably. */
  readonly cut: boolean
  /** The response's body before framing. */
  readonly payload: Buffer
  /** The head's bytes. */
  readonly head: Buffer
  readonly script: Script
}

type FramedBody = readonly [
  headers: ReadonlyArray<string>,
  body: Buffer,
  description: string,
  harmless: boolean,
  closes: boolean
]

const encodeChunked = (body: Buffer, size: number): Buffer => {
  const chunks: Array<Buffer> = []
  for (let at = 0; at < body.length; at += size) {
    const chunk = body.subarray(at, at + size)
    chunks.push(text(`${chunk.length.toString(16)}\r\n`), chunk, text('\r\n'))
  }
  return Buffer.concat([...chunks, text('0\r\n\r\n')])
}

const frameBody = (body: Buffer, random: Random, isHarmless: boolean): FramedBody => {
  const length = `Content-Length: ${String(body.length)}`
  const te = 'Transfer-Encoding: chunked'
  const pieces = encodeChunked(body, random.of([7, 64, 1000]))
  if (isHarmless || random.often(0.7)) {
    const way = random.below(isHarmless ? 2 : 3)
    if (way === 0) return [[te], pieces, 'chunked', true, false]
    return way === 1 ? [[length], body, 'measured', true, false] : [[], body, 'ended by closing', false, true]
  }
  const wrong = (by: number): string => `Content-Length: ${String(Math.max(0, body.length + by))}`
  return random.of<() => FramedBody>([
    () => [[wrong(1 + random.below(50))], body, 'a length too long', false, true],
    () => [[wrong(-1 - random.below(50))], body, 'a length too short', false, false],
    () => [
      [`Content-Length: ${random.of(['-1', 'NaN', '99999999999999999999', '1e2', '+5', '', '5, 5'])}`],
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
      'an unrequested response',
      false,
      false
    ]
  ])()
}

const stops = ['close', 'reset', 'stay'] as const

/** Plans how the bytes are sent: at once or in pieces, with pauses, completely or not. */
const planDelivery = (
  bytes: Buffer,
  random: Random,
  isHarmless: boolean,
  closes: boolean
): readonly [ReadonlyArray<Step>, string] => {
  const say = (part: Buffer): Step => ({ _tag: 'Say', bytes: part })
  const wait = (milliseconds: number): Step => ({ _tag: 'Wait', milliseconds })
  const end: ReadonlyArray<Step> = closes ? [wait(2), { _tag: 'End', how: 'close' }] : []
  const way = random.below(isHarmless ? 3 : 6)
  if (way === 0) return [[say(bytes), ...end], 'at once']
  if (way <= 2) {
    const steps: Array<Step> = []
    const size = Math.ceil(bytes.length / (2 + random.below(10)))
    for (let at = 0; at < bytes.length; at += size)
      steps.push(say(bytes.subarray(at, at + size)), wait(random.below(4)))
    return [[...steps, ...end], 'in pieces']
  }
  if (way === 3) return [[say(bytes), ...end], 'at once']
  const at = random.below(bytes.length)
  const how = random.of(stops)
  return [[say(bytes.subarray(0, at)), wait(3), { _tag: 'End', how }], `${how} at byte ${String(at)}`]
}

const statusLine = (status: number, random: Random, isHarmless: boolean): string =>
  isHarmless || random.often(0.97)
    ? `HTTP/1.1 ${String(status)} OK`
    : random.of([
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

/** HEAD and 204 have no body, whatever the headers say. */
const isBodiless = (target: Target): boolean => target.action === 'HeadObject' || target.truth.status === 204

const mutantFrom = (target: Target, random: Random): Mutant & { readonly steps: ReadonlyArray<Step> } => {
  const draft = mutate(target, random)
  const isHarmless = draft.harmless && random.often(0.6)
  const payload = draft.response.body
  const isHead = target.action === 'HeadObject'
  const [headers, body, how, same, closes]: FramedBody =
    isBodiless(target) && random.often(0.9)
      ? [isHead ? [`Content-Length: ${String(payload.length)}`] : [], text(''), 'without a body', true, false]
      : frameBody(payload, random, isHarmless)
  const line = statusLine(draft.response.status, random, isHarmless)
  const head = Buffer.from(
    [line, ...draft.response.headers.map(([name, value]) => `${name}: ${value}`), ...headers, '', ''].join(
      '\r\n'
    )
  )
  const before = !isHarmless && random.often(0.08) ? random.of(noise) : ''
  const after = !isHarmless && random.often(0.05) ? random.of(['\r\n', 'x', noise[0] ?? '']) : ''
  const whole = Buffer.concat([text(before), head, body, text(after)])
  const [steps, pace] = planDelivery(whole, random, isHarmless, closes)
  return {
    description: [...draft.description, line, how, before, after, pace].filter((word) => word !== ''),
    // A body after a head without one is another response.
    harmless: isHarmless && same && !(isBodiless(target) && body.length > 0),
    cut: draft.cut,
    // A body that ends with the connection includes all bytes before the end.
    payload: closes ? Buffer.concat([payload, text(after)]) : payload,
    head,
    steps,
    script: {
      early: !isHarmless && random.often(0.1),
      continues: isHarmless || random.often(0.6),
      steps: () => steps
    }
  }
}

const writePlain = ({ status, headers, body }: RawResponse, bare: boolean): Buffer =>
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

/** A download sends several requests: each may get a different mutation, or none. */
const mutateDownload = (target: Target, seed: string): Mutant => {
  const description: Array<string> = []
  const { headers, body } = target.truth
  const steps = (requested: ReceivedHead): ReadonlyArray<Step> => {
    const range = /^range: *bytes=(\d+)-(\d+)/im.exec(requested.head)
    const [first, last] = [Number(range?.[1] ?? 0), Number(range?.[2] ?? body.length - 1)]
    const truth: RawResponse =
      range === null
        ? target.truth
        : {
            status: 206,
            headers: [
              ...headers,
              ['Content-Range', `bytes ${String(first)}-${String(last)}/${String(body.length)}`]
            ],
            body: body.subarray(first, last + 1)
          }
    const random = randomFrom(`${seed}:${requested.method}:${String(first)}`)
    const asIs = random.often(0.6)
    const action = requested.method === 'HEAD' ? 'HeadObject' : 'GetObject'
    if (asIs) return [{ _tag: 'Say', bytes: writePlain(truth, action === 'HeadObject') }]
    const one = mutantFrom({ ...target, action, truth }, random)
    description.push(`${requested.method} ${String(first)}: ${one.description.join(', ')}`)
    return one.steps
  }
  return {
    description,
    harmless: false,
    cut: false,
    payload: body,
    head: text(''),
    script: { early: false, continues: true, steps }
  }
}

/** One of the responses that the target may get. */
export const mutantOf = (target: Target, seed: string): Mutant =>
  target.name === 'downloadStream' ? mutateDownload(target, seed) : mutantFrom(target, randomFrom(seed))
