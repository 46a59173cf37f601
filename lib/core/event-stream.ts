/**
 * The event stream of a Select response. Reading is a fold: it takes chunks of bytes and returns the events that they
 * complete. So a spec can split the stream at any byte.
 */
import { crc32 } from 'node:zlib'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { MiB } from './limits.js'
import * as W from './wire.js'
import { xmlReader, toFields } from './xml.js'

/** Progress of a Select, in bytes: read as stored, after decompression, and returned as results. */
export interface SelectStats {
  readonly bytesScanned: number
  readonly bytesProcessed: number
  readonly bytesReturned: number
}

export type SelectEvent =
  /** Results: one record, several, or a part of one. The bytes may end within a character. */
  | { readonly _tag: 'Records'; readonly bytes: Uint8Array }
  /** Keep-alive without content. */
  | { readonly _tag: 'Cont' }
  | { readonly _tag: 'Progress'; readonly stats: SelectStats }
  | { readonly _tag: 'Stats'; readonly stats: SelectStats }
  /** The only confirmation of success. */
  | { readonly _tag: 'End' }
  /** COS stopped with an error; nothing follows. */
  | { readonly _tag: 'Error'; readonly code: string; readonly message: string }

export type EventProblem =
  | { readonly _tag: 'Malformed'; readonly message: string }
  /** A message whose CRC32 differs from that of its bytes; both in hex. */
  | { readonly _tag: 'Checksum'; readonly expected: string; readonly got: string }
  /** The stream ended before its `End`. */
  | { readonly _tag: 'Incomplete' }

/** Like `XmlFold` of core/xml, with typed problems. */
export interface EventFold {
  /** Events that are complete before an error are returned first; the next step returns the error. */
  readonly step: (chunk: Uint8Array) => E.Either<EventProblem, ReadonlyArray<SelectEvent>>
  /** Ends the input. */
  readonly finish: () => E.Either<EventProblem, ReadonlyArray<SelectEvent>>
}

// Bytes: total length (4), length of the headers (4), CRC32 of these two (4); at the end, CRC32 of the message (4).
const preludeSize = 12
const checksumSize = 4
const overhead = preludeSize + checksumSize
// Records are at most 1 MiB, and observed messages are far smaller; COS documents no limit.
const maxMessage = 16 * MiB

const hex = (crc: number): string => crc.toString(16).padStart(8, '0')

const malformed = (message: string): EventProblem => ({ _tag: 'Malformed', message })

const checkCrc = (bytes: Buffer, at: number): E.Either<EventProblem, void> => {
  const expected = bytes.readUInt32BE(at)
  const got = crc32(bytes.subarray(0, at))
  return got === expected
    ? E.right(undefined)
    : E.left({ _tag: 'Checksum', expected: hex(expected), got: hex(got) })
}

/** The length of the message with this prelude, in bytes. */
const lengthOf = (prelude: Buffer): E.Either<EventProblem, number> =>
  pipe(
    checkCrc(prelude, 8),
    E.map(() => prelude.readUInt32BE(0)),
    E.filterOrElse(
      (total) => total >= overhead + prelude.readUInt32BE(4),
      () => malformed('a message is shorter than its headers')
    ),
    E.filterOrElse(
      (total) => total <= maxMessage,
      (total) => malformed(`a message of ${String(total)} bytes, more than 16 MiB`)
    )
  )

// -- headers --
type Headers = Readonly<Record<string, string>>

const textType = 7
// Shared: slow to create, and without state between calls.
const utf8 = new TextDecoder('utf-8', { fatal: true })

const headersIn = (block: Buffer): E.Either<EventProblem, Headers> => {
  const headers: Array<readonly [string, string]> = []
  let at = 0
  // Our own errors are RangeErrors; the decoder's, for bytes that are not UTF-8, are TypeErrors.
  const take = (size: number): Buffer => {
    const end = at + size
    if (end > block.length) throw new RangeError('a message header exceeds the header block')
    const taken = block.subarray(at, end)
    at = end
    return taken
  }
  return E.tryCatch(
    () => {
      while (at < block.length) {
        const name = utf8.decode(take(take(1).readUInt8()))
        if (take(1).readUInt8() !== textType) throw new RangeError(`a message header is not text: ${name}`)
        headers.push([name, utf8.decode(take(take(2).readUInt16BE()))])
      }
      return Object.fromEntries(headers)
    },
    (thrown) => malformed(thrown instanceof RangeError ? thrown.message : 'a message header is not UTF-8')
  )
}

// -- events --
const Stats = t.type({ BytesScanned: W.ByteCount, BytesProcessed: W.ByteCount, BytesReturned: W.ByteCount })

const statsIn = (payload: Uint8Array): E.Either<EventProblem, SelectStats> => {
  const xml = xmlReader()
  return pipe(
    xml.step(payload),
    E.chain((rows) => E.map(() => rows)(xml.finish())),
    E.map((events) => events.flatMap((event) => (event._tag === 'Row' ? [event.row] : []))),
    E.chain((rows) =>
      pipe(
        W.decodeWith(Stats)(toFields({ name: 'Stats', text: '', children: rows })),
        E.mapLeft((problems) => problems.join('; '))
      )
    ),
    E.bimap(malformed, (stats) => ({
      bytesScanned: stats.BytesScanned,
      bytesProcessed: stats.BytesProcessed,
      bytesReturned: stats.BytesReturned
    }))
  )
}

/** Unknown event types are skipped: COS may add more. */
const eventOf = (
  headers: Headers,
  payload: Uint8Array
): E.Either<EventProblem, ReadonlyArray<SelectEvent>> => {
  if (headers[':message-type'] === 'error') {
    const [code, message] = [headers[':error-code'] ?? '', headers[':error-message'] ?? '']
    return E.right([{ _tag: 'Error', code, message }])
  }
  switch (headers[':event-type']) {
    case 'Records':
      return E.right([{ _tag: 'Records', bytes: payload }])
    case 'Cont':
      return E.right([{ _tag: 'Cont' }])
    case 'Progress':
      return E.map((stats: SelectStats) => [{ _tag: 'Progress' as const, stats }])(statsIn(payload))
    case 'Stats':
      return E.map((stats: SelectStats) => [{ _tag: 'Stats' as const, stats }])(statsIn(payload))
    case 'End':
      return E.right([{ _tag: 'End' }])
    default:
      return E.right([])
  }
}

/** Decodes a complete message whose prelude is already validated. */
const eventIn = (message: Buffer): E.Either<EventProblem, ReadonlyArray<SelectEvent>> => {
  const payloadAt = preludeSize + message.readUInt32BE(4)
  const end = message.length - checksumSize
  return pipe(
    checkCrc(message, end),
    E.chain(() => headersIn(message.subarray(preludeSize, payloadAt))),
    E.chain((headers) => eventOf(headers, message.subarray(payloadAt, end)))
  )
}

// -- the fold --
/**
 * Starts reading an event stream.
 *
 * Both checksums of a message are compared before its event is returned. Bytes after an `End` or an `Error` are ignored.
 *
 * @shape  `step(bytes)` -> the events that those bytes completed
 * @units  holds one message, of at most 16 MiB
 * @errors `Left` of an `EventProblem`; `Incomplete` if the stream has neither `End` nor `Error`
 * @source https://cloud.tencent.com/document/product/436/37641
 */
export const eventReader = (): EventFold => {
  let held: Array<Uint8Array> = []
  let size = 0
  // Length of the current message; undefined until its prelude is complete.
  let total: number | undefined
  let problem: EventProblem | undefined
  let over = false

  // Joined only when there is enough to read: a message that arrives byte by byte is copied twice, not once a byte.
  const joinHeld = (): Buffer => {
    const [only = new Uint8Array(), ...more] = held
    const bytes =
      more.length > 0 ? Buffer.concat(held) : Buffer.from(only.buffer, only.byteOffset, only.length)
    held = [bytes]
    return bytes
  }
  const measure = (): void => {
    if (over || total !== undefined || size < preludeSize) return
    const length = lengthOf(joinHeld().subarray(0, preludeSize))
    if (E.isLeft(length)) problem = length.left
    else total = length.right
  }
  const read = (length: number): ReadonlyArray<SelectEvent> => {
    const bytes = joinHeld()
    held = [bytes.subarray(length)]
    size -= length
    total = undefined
    const events = eventIn(bytes.subarray(0, length))
    if (E.isRight(events)) return events.right
    problem = events.left
    return []
  }
  const drain = (): ReadonlyArray<SelectEvent> => {
    const events: Array<SelectEvent> = []
    for (;;) {
      measure()
      if (over || problem !== undefined || total === undefined || size < total) return events
      const completed = read(total)
      events.push(...completed)
      over = completed.some(({ _tag }) => _tag === 'End' || _tag === 'Error')
      // Bytes after the end are not needed.
      if (over) held = []
    }
  }

  const resultOf = (
    events: ReadonlyArray<SelectEvent>
  ): E.Either<EventProblem, ReadonlyArray<SelectEvent>> =>
    problem === undefined || events.length > 0 ? E.right(events) : E.left(problem)

  return {
    step: (chunk) => {
      if (over || problem !== undefined) return resultOf([])
      held.push(chunk)
      size += chunk.length
      return resultOf(drain())
    },
    finish: () => {
      if (!over) problem ??= { _tag: 'Incomplete' }
      return resultOf([])
    }
  }
}
