/** A journal's bytes: records one after the other, each with a checksum of its own, readable after any crash. */
import { crc32 } from 'node:zlib'
import { parse, type Json } from 'fp-ts/lib/Json.js'
import * as O from 'fp-ts/lib/Option.js'

const lineFeed = 0x0a
const checksumSize = 8

const checksum = (bytes: Uint8Array): string => crc32(bytes).toString(16).padStart(checksumSize, '0')

/**
 * A record as its line: the CRC32 of the rest in hex, a space, JSON, a line feed. JSON has no line feed within, so that
 * a line that is damaged costs no other.
 *
 * @example writeRecord([3, '42']) // the bytes of 'd544037e [3,"42"]\n'
 */
export const writeRecord = (record: Json): Uint8Array => {
  const text = JSON.stringify(record)
  return Buffer.from(`${checksum(Buffer.from(text))} ${text}\n`)
}

export interface Records {
  /** In the order in which they were written, without those that are damaged. */
  readonly records: ReadonlyArray<Json>
  /** In bytes: where the last whole line ends. What is behind it was cut short, and is to be cut off before a write. */
  readonly end: number
}

const readLine = (line: Buffer): O.Option<Json> => {
  const text = line.subarray(checksumSize + 1)
  return line.toString('latin1', 0, checksumSize + 1) === `${checksum(text)} `
    ? O.fromEither(parse(text.toString()))
    : O.none
}

/**
 * Reads what is left of a journal.
 *
 * @shape  never fails: bytes that are no record are no record
 * @units  reads all of it at once; how large a journal may be is its reader's to say
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
