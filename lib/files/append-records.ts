/** Appends records to a journal, several in one write. */
import type { Json } from 'fp-ts/lib/Json.js'
import { coalesce } from './coalesce.js'
import { writeRecord } from './journal-records.js'

/**
 * Returns a function that appends a record. Records that are added during a write share the next one. After a failed write,
 * all others fail too: a record must not follow a gap.
 *
 * @shape the promise of a record settles when the write that has it has settled
 */
export const appendRecords = (
  write: (lines: Uint8Array) => Promise<void>
): ((record: Json) => Promise<void>) => {
  let waiting: ReadonlyArray<Uint8Array> = []
  const writeWaiting = coalesce(async () => {
    const lines = waiting
    waiting = []
    await write(Buffer.concat(lines))
  })
  return (record) => {
    waiting = [...waiting, writeRecord(record)]
    return writeWaiting()
  }
}
