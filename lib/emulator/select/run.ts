/** Runs a query: reads an object's bytes, yields the messages of the response. */
import { setImmediate } from 'node:timers/promises'
import type { CsvReader } from '../../core/csv-records.js'
import type { SelectEvent, SelectStats } from '../../core/event-stream.js'
import { KiB, MiB } from '../../core/limits.js'
import { allColumns, type Row } from './columns.js'
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
  /** The CSV reader, if the input is CSV. */
  readonly csv: CsvReader | undefined
  /** Opens the stored bytes of the object. */
  readonly open: () => Bytes
  /** Milliseconds of Unix time. */
  readonly now: number
}

// Maximum bytes of records in one message.
const messageSize = 64 * KiB
// Bytes processed without a turn of the event loop.
const pieceSize = 64 * KiB
// Bytes between Cont and Progress messages. COS sends them by time; a count of bytes is the same in every run.
const progressInterval = MiB

/** The evaluation of a query. */
interface Evaluation {
  /** The columns of the result for a record; undefined if the record adds no row to the result. */
  readonly take: (row: Row) => Columns | undefined
  /** The columns of the aggregates, after the last record. */
  readonly end: () => Columns | undefined
}

const noRow: Row = { _tag: 'Json', value: undefined }

const compileQuery = ({ columns, where, aggregates }: Query, now: number): Evaluation => {
  const allAggregates: Array<Aggregate> = []
  const compileExpression = compile({ now, onAggregate: (aggregate) => allAggregates.push(aggregate) })
  const condition = where && compileExpression(where)
  const matches = (row: Row): boolean => condition === undefined || isTrue(condition(row))
  const evaluators = columns?.map(({ name, expression }) => [name, compileExpression(expression)] as const)
  const columnsOf = (row: Row): Columns =>
    evaluators?.map(([name, evaluate]) => [name, evaluate(row)] as const) ?? allColumns(row)
  if (!aggregates) {
    return { take: (row) => (matches(row) ? columnsOf(row) : undefined), end: () => undefined }
  }
  return {
    take: (row) => {
      if (matches(row)) for (const { add } of allAggregates) add(row)
      return undefined
    },
    end: () => columnsOf(noRow)
  }
}

/** Collects records into messages. */
const createMessageBuffer = () => {
  const counts = { bytesScanned: 0, bytesProcessed: 0, bytesReturned: 0 }
  let records: Array<Uint8Array> = []
  let bufferedBytes = 0
  let messages: Array<Uint8Array> = []
  const stats = (): SelectStats => ({ ...counts })
  const addEvent = (event: SelectEvent): void => {
    messages.push(writeEvent(event))
  }
  const flush = (leastBytes: number): void => {
    if (bufferedBytes < leastBytes || bufferedBytes === 0) return
    let bytes = Buffer.concat(records)
    // A message may end within a record or within a character.
    while (bytes.length >= leastBytes && bytes.length > 0) {
      addEvent({ _tag: 'Records', bytes: bytes.subarray(0, messageSize) })
      bytes = bytes.subarray(messageSize)
    }
    records = bytes.length === 0 ? [] : [bytes]
    bufferedBytes = bytes.length
  }
  return {
    counts,
    stats,
    addEvent,
    flush,
    addRecord: (record: Uint8Array): void => {
      records.push(record)
      bufferedBytes += record.length
      counts.bytesReturned += record.length
      flush(messageSize)
    },
    /** Removes and returns all messages, as one buffer. */
    take: (): Buffer => {
      const bytes = Buffer.concat(messages)
      messages = []
      return bytes
    }
  }
}

/** Counts bytes, and splits chunks into pieces: the results of a piece are sent before the next piece is processed. */
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
  // A stack overflow: JSON may be nested deeper than recursive functions can follow.
  return thrown instanceof RangeError
    ? new SelectFailure('JSONParsingError', 'A record is nested too deeply.')
    : undefined
}

/**
 * Runs a query over an object.
 *
 * @shape  yields chunks of several messages. The last message is `End`, or an error of the query or the data. Reading
 *         stops after LIMIT records, and when the consumer stops.
 * @units  holds about 64 KiB of results, and the memory of `readRows`
 * @errors throws errors of `open`
 */
export async function* runSelect(job: Job): AsyncGenerator<Uint8Array, void, undefined> {
  const { query, input, output, csv, progress } = job
  const out = createMessageBuffer()
  const { counts } = out
  const countScanned = (size: number): void => {
    counts.bytesScanned += size
  }
  const countProcessed = (size: number): void => {
    counts.bytesProcessed += size
  }
  const write = rowWriter(output)
  let left = query.limit ?? Infinity
  let reported = { processed: 0, returned: 0 }
  const reportProgress = (): void => {
    const { bytesProcessed, bytesReturned } = counts
    if (bytesProcessed - reported.processed < progressInterval) return
    out.flush(0)
    if (bytesReturned === reported.returned) out.addEvent({ _tag: 'Cont' })
    reported = { processed: bytesProcessed, returned: bytesReturned }
    if (progress) out.addEvent({ _tag: 'Progress', stats: out.stats() })
  }
  const addColumns = (columns: Columns | undefined): void => {
    if (columns === undefined || left <= 0) return
    out.addRecord(write(columns))
    left -= 1
  }
  try {
    const { take, end } = compileQuery(query, job.now)
    if (left > 0) {
      const bytes = countBytes(job.open(), countScanned)
      const plain = countBytes(input.gzip ? gunzip(bytes) : bytes, countProcessed)
      for await (const rows of readRows(input, csv, query.from, plain)) {
        for (const row of rows) {
          addColumns(take(row))
          if (left <= 0) break
        }
        if (left <= 0) break
        reportProgress()
        const messages = out.take()
        if (messages.length > 0) yield messages
        // Bytes in memory are read without a turn of the event loop, which would block other requests.
        await setImmediate()
      }
    }
    addColumns(end())
    out.flush(0)
    if (progress) out.addEvent({ _tag: 'Progress', stats: out.stats() })
    out.addEvent({ _tag: 'Stats', stats: out.stats() })
    out.addEvent({ _tag: 'End' })
  } catch (thrown) {
    const failure = failureOf(thrown)
    if (failure === undefined) throw thrown
    out.flush(0)
    out.addEvent({ _tag: 'Error', code: failure.code, message: failure.message })
  }
  yield out.take()
}
