/** A query at work: an object's bytes in, messages out. */
import { setImmediate } from 'node:timers/promises'
import type { CsvReader } from '../../core/csv-records.js'
import type { SelectEvent, SelectStats } from '../../core/event-stream.js'
import { KiB, MiB } from '../../core/limits.js'
import { allOf, type Row } from './columns.js'
import { type Aggregate, compile, isTrue } from './compile.js'
import type { Query } from './expression.js'
import { SelectFailure } from './failure.js'
import { writeEvent } from './messages.js'
import { gunzip, readRows } from './read-rows.js'
import type { SelectRequest } from './request.js'
import { type Columns, rowWriter } from './write-rows.js'

type Bytes = AsyncIterable<Uint8Array>

export interface Job extends Omit<SelectRequest, 'expression'> {
  readonly query: Query
  /** What reads CSV, where the input is that. */
  readonly csv: CsvReader | undefined
  /** The object's bytes, as they are stored. */
  readonly open: () => Bytes
  /** Milliseconds of Unix time. */
  readonly now: number
}

// Of one message of records.
const messageSize = 64 * KiB
// Of bytes looked at in one go.
const pieceSize = 64 * KiB
// COS tells from time to time that it is there, and how far; here it is after so many bytes, so that a spec can count.
const between = MiB

/** What a query does with a record, and what it says at its end. */
interface Work {
  /** The columns that come of a record; none where it does not count. */
  readonly take: (row: Row) => Columns | undefined
  readonly end: () => Columns | undefined
}

const noRow: Row = { _tag: 'Json', value: undefined }

const working = ({ columns, where, aggregates }: Query, now: number): Work => {
  const aggregated: Array<Aggregate> = []
  const compiled = compile({ now, aggregated: (aggregate) => aggregated.push(aggregate) })
  const condition = where && compiled(where)
  const matches = (row: Row): boolean => condition === undefined || isTrue(condition(row))
  const evaluated = columns?.map(({ name, expression }) => [name, compiled(expression)] as const)
  const columnsOf = (row: Row): Columns =>
    evaluated?.map(([name, evaluate]) => [name, evaluate(row)] as const) ?? allOf(row)
  if (!aggregates) {
    return { take: (row) => (matches(row) ? columnsOf(row) : undefined), end: () => undefined }
  }
  return {
    take: (row) => {
      if (matches(row)) for (const { add } of aggregated) add(row)
      return undefined
    },
    end: () => columnsOf(noRow)
  }
}

/** Collects records into messages. */
const toMessages = () => {
  const counts = { bytesScanned: 0, bytesProcessed: 0, bytesReturned: 0 }
  let records: Array<Uint8Array> = []
  let waiting = 0
  let messages: Array<Uint8Array> = []
  const stats = (): SelectStats => ({ ...counts })
  const tell = (event: SelectEvent): void => {
    messages.push(writeEvent(event))
  }
  const flush = (least: number): void => {
    if (waiting < least || waiting === 0) return
    let bytes = Buffer.concat(records)
    // Where a message ends has nothing to do with where a record does, nor a character.
    while (bytes.length >= least && bytes.length > 0) {
      tell({ _tag: 'Records', bytes: bytes.subarray(0, messageSize) })
      bytes = bytes.subarray(messageSize)
    }
    records = bytes.length === 0 ? [] : [bytes]
    waiting = bytes.length
  }
  return {
    counts,
    stats,
    tell,
    flush,
    add: (record: Uint8Array): void => {
      records.push(record)
      waiting += record.length
      counts.bytesReturned += record.length
      flush(messageSize)
    },
    /** All messages there are, as one piece of bytes. */
    taken: (): Buffer => {
      const bytes = Buffer.concat(messages)
      messages = []
      return bytes
    }
  }
}

/** Counts bytes, and cuts what memory holds in one piece: what comes of a piece is sent before the next is looked at. */
async function* countBytes(
  bytes: Bytes,
  count: (bytes: number) => void
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of bytes)
    for (let at = 0; at < chunk.length; at += pieceSize) {
      const piece = chunk.subarray(at, at + pieceSize)
      count(piece.length)
      yield piece
    }
}

const failureOf = (thrown: unknown): SelectFailure | undefined => {
  if (thrown instanceof SelectFailure) return thrown
  // JSON may be nested deeper than anything that walks through it.
  return thrown instanceof RangeError
    ? new SelectFailure('JSONParsingError', 'A record is nested too deep.')
    : undefined
}

/**
 * Runs a query over an object.
 *
 * @shape  messages, several in a chunk; the last is `End`, or an error where the query or the data were wrong.
 *         It stops reading once it has as many records as LIMIT says, and when its reader leaves.
 * @units  holds some 64 KiB of results, and what `readingRows` holds
 * @errors throws what `open` throws
 */
export async function* runSelect(job: Job): AsyncGenerator<Uint8Array, void, undefined> {
  const { query, input, output, csv, progress } = job
  const out = toMessages()
  const { counts } = out
  const scanned = (size: number): void => {
    counts.bytesScanned += size
  }
  const processed = (size: number): void => {
    counts.bytesProcessed += size
  }
  const write = rowWriter(output)
  let left = query.limit ?? Infinity
  let told = { processed: 0, returned: 0 }
  const tellHowFar = (): void => {
    const { bytesProcessed, bytesReturned } = counts
    if (bytesProcessed - told.processed < between) return
    out.flush(0)
    if (bytesReturned === told.returned) out.tell({ _tag: 'Cont' })
    told = { processed: bytesProcessed, returned: bytesReturned }
    if (progress) out.tell({ _tag: 'Progress', stats: out.stats() })
  }
  const add = (columns: Columns | undefined): void => {
    if (columns === undefined || left <= 0) return
    out.add(write(columns))
    left -= 1
  }
  try {
    const { take, end } = working(query, job.now)
    if (left > 0) {
      const bytes = countBytes(job.open(), scanned)
      const plain = countBytes(input.gzip ? gunzip(bytes) : bytes, processed)
      for await (const rows of readRows(input, csv, query.from, plain)) {
        for (const row of rows) {
          add(take(row))
          if (left <= 0) break
        }
        if (left <= 0) break
        tellHowFar()
        const messages = out.taken()
        if (messages.length > 0) yield messages
        // What lies in memory is read without a turn of the event loop, and others want theirs.
        await setImmediate()
      }
    }
    add(end())
    out.flush(0)
    if (progress) out.tell({ _tag: 'Progress', stats: out.stats() })
    out.tell({ _tag: 'Stats', stats: out.stats() })
    out.tell({ _tag: 'End' })
  } catch (thrown) {
    const failure = failureOf(thrown)
    if (failure === undefined) throw thrown
    out.flush(0)
    out.tell({ _tag: 'Error', code: failure.code, message: failure.message })
  }
  yield out.taken()
}
