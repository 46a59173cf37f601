/** Consecutive JSON values: records that Select writes, and documents that it reads. */
import { randomUUID } from 'node:crypto'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import { notUtf8, tooLarge, type RecordFold, type RecordProblem } from './records.js'

export interface JsonLayout {
  /** The delimiter after each value. Default: white space, or nothing. */
  readonly delimiter?: string
  /** The largest size of one value, in bytes. */
  readonly limit: number
}

const [quote, backslash] = [0x22, 0x5c]
const opens = (byte: number): boolean => byte === 0x7b || byte === 0x5b
const closes = (byte: number): boolean => byte === 0x7d || byte === 0x5d
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

// Shared: slow to create, and without state between calls. A byte order mark is not part of a value.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const byteOrderMark = [0xef, 0xbb, 0xbf]

/**
 * Splits a stream of bytes into JSON texts by their brackets and quotes: a delimiter may be any character, such as a
 * comma or a brace, and may occur within a value too. The content of the brackets is not validated; `parseJson` does that.
 *
 * @shape  `step(bytes)` -> the texts that those bytes completed; a number or a word is complete at the byte after it
 * @units  holds one value
 * @errors `TooLarge`; `NotUtf8`; `Malformed` if the delimiter is missing; `Incomplete` within a value
 */
export const jsonReader = ({ delimiter, limit }: JsonLayout): RecordFold<string> => {
  const separator = Buffer.from(delimiter ?? '')
  let mode: 'before' | 'within' | 'after' = 'before'
  let held: Array<Uint8Array> = []
  let size = 0
  let depth = 0
  let inString = false
  let escaped = false
  // Bytes of the delimiter, and of the byte order mark, that have arrived.
  let matched = 0
  let marked: number | undefined = 0
  let problem: RecordProblem | undefined
  let texts: Array<string> = []

  const hold = (bytes: Uint8Array): void => {
    if (bytes.length > 0) held.push(bytes)
    size += bytes.length
    if (size > limit) problem ??= tooLarge(limit)
  }
  const complete = (last: Uint8Array): void => {
    hold(last)
    if (problem !== undefined) return
    try {
      texts.push(utf8.decode(Buffer.concat(held)))
    } catch {
      problem = notUtf8
    }
    held = []
    size = 0
    mode = 'after'
    matched = 0
  }
  /** Starts a value. Whether it ends with its first byte, as a stray closing bracket does. */
  const begin = (byte: number): boolean => {
    mode = 'within'
    depth = opens(byte) ? 1 : 0
    inString = byte === quote
    return closes(byte)
  }
  /** Whether the value continues, ends with this byte, or ended before it. */
  const within = (byte: number): 'continues' | 'ends' | 'ended' => {
    if (escaped) escaped = false
    else if (inString) {
      if (byte === backslash) escaped = true
      else if (byte === quote) {
        inString = false
        if (depth === 0) return 'ends'
      }
    } else if (depth === 0 && (isSpace(byte) || byte === separator[0])) return 'ended'
    else if (byte === quote) inString = true
    else if (opens(byte)) depth += 1
    else if (closes(byte)) {
      depth -= 1
      if (depth <= 0) return 'ends'
    }
    return 'continues'
  }
  /** Between two values: whether the byte belongs to neither. */
  const between = (byte: number): boolean => {
    if (mode === 'after' && separator.length > 0) {
      if (byte === separator[matched]) {
        matched += 1
        if (matched === separator.length) mode = 'before'
      } else if (matched > 0 || !isSpace(byte)) {
        problem = { _tag: 'Malformed', message: 'a record is not followed by its delimiter' }
      }
      return true
    }
    if (marked !== undefined) {
      if (byte === byteOrderMark[marked]) {
        marked += 1
        return true
      }
      marked = undefined
    }
    return isSpace(byte)
  }

  const read = (chunk: Uint8Array): void => {
    let start = 0
    for (let at = 0; at < chunk.length && problem === undefined; at += 1) {
      const byte = chunk[at] ?? 0
      if (mode === 'within') {
        const state = within(byte)
        if (state === 'continues') continue
        complete(chunk.subarray(start, state === 'ends' ? at + 1 : at))
        if (state === 'ends') continue
      }
      if (between(byte)) continue
      start = at
      if (begin(byte)) complete(chunk.subarray(at, at + 1))
    }
    if (mode === 'within' && problem === undefined) hold(chunk.subarray(start))
  }
  const result = (): E.Either<RecordProblem, ReadonlyArray<string>> => {
    const out = texts
    texts = []
    return problem === undefined || out.length > 0 ? E.right(out) : E.left(problem)
  }
  return {
    step: (chunk) => {
      if (problem === undefined) read(chunk)
      return result()
    },
    finish: async () => {
      if (mode === 'within' && problem === undefined) {
        if (depth > 0 || inString)
          problem = { _tag: 'Incomplete', message: 'the data end within a JSON value' }
        else complete(new Uint8Array())
      }
      return result()
    }
  }
}

// -- parsing --
// A number that a double may not hold: a long one, or one with an exponent of three digits.
const unusualNumber = /\d{16}|[eE]\+?\d{3}/
const tokens = /"[^"\\]*(?:\\[^][^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g
const longInteger = /^-?[1-9]\d{15,}$/
// Random, so that no string of the data starts with it.
const mark = `${randomUUID()}:`

const exactToken = (token: string): string => {
  if (token.startsWith('"')) return token
  if (longInteger.test(token) && !Number.isSafeInteger(Number(token))) return `"${mark}${token}"`
  if (!Number.isFinite(Number(token))) throw new RangeError('a number beyond the range of a double')
  return token
}

/**
 * Parses one JSON text. An integer that a double cannot hold is a `bigint`: `JSON.parse` would round it silently, and
 * Select's integers have 64 bits. A fraction is the nearest double, as in `JSON.parse`.
 *
 * @shape none if the text is not JSON, or has a number such as `1e400`, which `JSON.parse` makes infinite
 */
export const parseJson = (text: string): O.Option<unknown> =>
  O.tryCatch((): unknown => {
    if (!unusualNumber.test(text)) return JSON.parse(text)
    return JSON.parse(text.replace(tokens, exactToken), (_, value: unknown) =>
      typeof value === 'string' && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value
    )
  })
