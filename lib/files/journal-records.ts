/** The bytes of a journal: a sequence of records, each with a checksum, readable after any crash. */
import { crc32 } from 'node:zlib'
import { parse, type Json } from 'fp-ts/lib/Json.js'
import * as O from 'fp-ts/lib/Option.js'

const lineFeed = 0x0a
const checksumSize = 8

const checksum = (bytes: Uint8Array): string => crc32(bytes).toString(16).padStart(checksumSize, '0')

/**
 * Encodes a record as a line: the CRC32 of the JSON in hex, a space, the JSON, a line feed. The JSON contains no line
 * feed, so a damaged line does not affect other lines.
 *
 * @example writeRecord([3, '42']) // the bytes of 'd544037e [3,"42"]\n'
 */
export const writeRecord = (record: Json): Uint8Array => {
  const text = JSON.stringify(record)
  return Buffer.from(`${checksum(Buffer.from(text))} ${text}\n`)
}

export interface Records {
  /** In the order of writing. Damaged records are left out. */
  readonly records: ReadonlyArray<Json>
  /** In bytes: the end of the last complete line. Truncate the file to it before an append, to drop an incomplete line. */
  readonly end: number
}

const readLine = (line: Buffer): O.Option<Json> => {
  const text = line.subarray(checksumSize + 1)
  return line.toString('latin1', 0, checksumSize + 1) === `${checksum(text)} `
    ? O.fromEither(parse(text.toString()))
    : O.none
}

/**
 * Reads the intact records of a journal.
 *
 * @shape  never fails: bytes that are not a valid record are skipped
 * @units  parses the whole journal in memory; the caller must limit its size
 */
export const readRecords = (journal: Uint8Array): Records => {
  const bytes = Buffer.from(journal.buffer, journal.byteOffset, journal.byteLength)
  const records: Array<Json> = []
  let end = 0
  for (let at = bytes.indexOf(lineFeed); at !== -1; at = bytes.indexOf(lineFeed, end)) {
    const record = readLine(bytes.subarray(end, at))
    if (O.isSome(record)) records.push(record.value)
    end = at + 1
  }
  return { records, end }
}
