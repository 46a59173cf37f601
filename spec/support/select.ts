/** Runs queries without a network, and reads the messages of the result. */
import * as E from 'fp-ts/lib/Either.js'
import { csvReader } from '../../lib/core/csv-records.js'
import { eventReader, type SelectEvent, type SelectStats } from '../../lib/core/event-stream.js'
import { runSelect } from '../../lib/emulator/select/run.js'
import type { CsvCharacters, CsvInput, Input, JsonInput, Output } from '../../lib/emulator/select/request.js'
import { sqlReader } from '../../lib/emulator/select/sql.js'
import { right } from './responses.js'

const characters: CsvCharacters = {
  recordDelimiter: '\n',
  fieldDelimiter: ',',
  quoteCharacter: '"',
  quoteEscapeCharacter: '"'
}

export const csvInput = (changes: Partial<CsvInput & { readonly gzip: boolean }> = {}): Input => ({
  _tag: 'Csv',
  header: 'NONE',
  comments: '#',
  allowQuotedRecordDelimiter: false,
  gzip: false,
  ...characters,
  ...changes
})

export const jsonInput = (type: JsonInput['type'], gzip = false): Input => ({ _tag: 'Json', type, gzip })

export const csvOutput = (changes: Partial<CsvCharacters & { readonly quoteAll: boolean }> = {}): Output => ({
  _tag: 'Csv',
  quoteAll: false,
  ...characters,
  ...changes
})

export const jsonOutput: Output = { _tag: 'Json', recordDelimiter: '\n' }

export const readSql = right(await sqlReader()())
const csv = right(await csvReader()())

export interface QueryOptions {
  readonly input?: Input
  readonly output?: Output
  readonly progress?: boolean
  /** Milliseconds of Unix time. */
  readonly now?: number
}

export interface QueryOutput {
  readonly text: string
  /** `code: message`, if the last message is an error. */
  readonly error?: string
  readonly stats?: SelectStats
  /** All messages, in order. */
  readonly events: ReadonlyArray<SelectEvent>
}

export type Data = string | Uint8Array | (() => AsyncIterable<Uint8Array>)

const chunksOf = (data: Data): AsyncIterable<Uint8Array> =>
  typeof data === 'function'
    ? data()
    : (async function* () {
        yield Buffer.from(data)
      })()

/** The messages of a query over CSV, as a stream. */
export const messagesOf = (sql: string, open: () => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> =>
  runSelect({
    ...{ query: right(readSql(sql)), input: csvInput(), output: csvOutput() },
    ...{ progress: false, now: 0, csv, open }
  })

/** Runs a query. Default: CSV input and CSV output. */
export const runQuery = async (sql: string, data: Data, options: QueryOptions = {}): Promise<QueryOutput> => {
  const read = readSql(sql)
  if (E.isLeft(read)) return { text: '', error: `SQLParsingError: ${read.left}`, events: [] }
  const { input = csvInput(), output = csvOutput(), progress = false, now = 0 } = options
  const folding = eventReader()
  const events: Array<SelectEvent> = []
  const job = { query: read.right, input, output, progress, now, csv, open: () => chunksOf(data) }
  for await (const bytes of runSelect(job)) events.push(...right(folding.step(bytes)))
  const last = events.at(-1)
  const stats = events.flatMap((event) => (event._tag === 'Stats' ? [event.stats] : [])).at(-1)
  return {
    text: Buffer.concat(
      events.flatMap((event) => (event._tag === 'Records' ? [event.bytes] : []))
    ).toString(),
    ...(last?._tag === 'Error' ? { error: `${last.code}: ${last.message}` } : {}),
    ...(stats === undefined ? {} : { stats }),
    events
  }
}

/** Runs a query over JSON lines with JSON output. */
export const runJsonQuery = (
  sql: string,
  data: Data,
  type: JsonInput['type'] = 'LINES'
): Promise<QueryOutput> => runQuery(sql, data, { input: jsonInput(type), output: jsonOutput })
