/** Appends records to a journal, several in one write. */
import type { Json } from 'fp-ts/lib/Json.js'
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
  let lastWrite: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  const writeWaiting = async (): Promise<void> => {
    const lines = waiting
    waiting = []
    next = undefined
    await write(Buffer.concat(lines))
  }
  return (record) => {
    waiting = [...waiting, writeRecord(record)]
    next ??= lastWrite = lastWrite.then(writeWaiting)
    return next
  }
}
