/** The partial file of a download, and the journal from which the next run resumes it. */
import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import * as E from 'fp-ts/lib/Either.js'
import type { Json } from 'fp-ts/lib/Json.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import type { Context } from '../core/error.js'
import * as In from '../core/input.js'
import { MiB } from '../core/limits.js'
import { appendRecords } from './append-records.js'
import { coalesce } from './coalesce.js'
import { readRecords, writeRecord, type Records } from './journal-records.js'
import * as W from '../core/wire.js'
import { temporaryMode } from './file-mode.js'
import { reopenFile, replaceFile, withFileErrors } from './atomic-file.js'
import { systemError } from './system-error.js'

/** The object version and the part size. A journal can be resumed only if its identity is equal in every field. */
export interface DownloadIdentity {
  readonly bucket: string
  readonly key: string
  readonly versionId: O.Option<string>
  readonly etag: string
  /** In bytes. */
  readonly size: number
  /** None if the response had no date. */
  readonly lastModified: O.Option<Date>
  /** In bytes. */
  readonly partSize: number
}

export interface PartialFile {
  readonly handle: FileHandle
  /** Path of the partial file. */
  readonly path: string
  /**
   * The CRC64 of each range in the journal of an earlier run, by range number. The reader must compare it with the bytes
   * on the disk. Bytes that match are correct, regardless of which process wrote the journal and of later disk damage.
   */
  readonly recorded: ReadonlyMap<number, bigint>
  /** Records a complete range in the journal. A crash of this process does not lose it. */
  readonly add: (number: number, crc64: bigint) => Promise<void>
  /** With `durable`, waits until the disk has the bytes that are written. */
  readonly flush: () => Promise<void>
  /** Whether the journal has a range that the next run can resume from. */
  readonly isWorthKeeping: () => boolean
  readonly close: () => Promise<void>
}

export interface PartialFileOptions {
  readonly context: Context
  /** Path of the partial file. */
  readonly part: string
  /** Path of the journal. Without a journal, the next run restarts the download. */
  readonly journal: O.Option<string>
  readonly identity: DownloadIdentity
  /** Whether `flush` waits for the disk. */
  readonly durable: boolean
}

// -- journal contents --
const header = (identity: DownloadIdentity): Json => ({
  cospipe: 'download',
  bucket: identity.bucket,
  key: identity.key,
  versionId: O.toNullable(identity.versionId),
  etag: identity.etag,
  size: identity.size,
  lastModified: O.toNullable(O.map((date: Date) => date.toISOString())(identity.lastModified)),
  partSize: identity.partSize
})

const RangeRecord = t.tuple([In.integer(1), W.Crc64])

/** The recorded ranges; `none` if the journal belongs to another identity. */
const journalRanges = (
  { records: [first, ...rest] }: Records,
  identity: DownloadIdentity
): O.Option<Map<number, bigint>> => {
  if (JSON.stringify(first) !== JSON.stringify(header(identity))) return O.none
  const count = Math.ceil(identity.size / identity.partSize)
  return O.some(
    new Map(
      rest.flatMap((record) => {
        const range = RangeRecord.decode(record)
        return E.isRight(range) && range.right[0] <= count ? [range.right] : []
      })
    )
  )
}

// 10,000 ranges take less than 500 KB. A larger file was not written by this library.
const largestJournal = 4 * MiB

const readAll = async (handle: FileHandle): Promise<Records> => {
  const { size } = await handle.stat()
  if (size > largestJournal) throw systemError('EFBIG', 'the file is not a download journal')
  const bytes = Buffer.alloc(size)
  const { bytesRead } = await handle.read(bytes, 0, size, 0)
  return readRecords(bytes.subarray(0, bytesRead))
}

// -- opening --
interface Journal {
  readonly handle: FileHandle
  readonly path: string
  readonly recorded: ReadonlyMap<number, bigint>
}

/** Runs `use` on an open file. Closes the file only if `use` fails. */
const closeOnError = async <A>(handle: FileHandle, use: () => Promise<A>): Promise<A> => {
  try {
    return await use()
  } catch (thrown) {
    await handle.close()
    throw thrown
  }
}

const reopenJournal = async (path: string, identity: DownloadIdentity): Promise<Journal> => {
  const handle = await reopenFile(path, constants.O_RDWR | constants.O_APPEND)
  return closeOnError(handle, async () => {
    const found = await readAll(handle)
    const recorded = journalRanges(found, identity)
    if (O.isNone(recorded)) throw systemError('EEXIST', 'the file is not a download journal')
    // An incomplete last line, left by a crash, would corrupt the next record.
    await handle.truncate(found.end)
    return { handle, path, recorded: recorded.value }
  })
}

const createJournal = async (path: string, identity: DownloadIdentity): Promise<Journal> => {
  const handle = await replaceFile(path, constants.O_RDWR | constants.O_APPEND, temporaryMode)
  return closeOnError(handle, async () => {
    await handle.appendFile(writeRecord(header(identity)))
    return { handle, path, recorded: new Map() }
  })
}

interface OpenFiles {
  readonly handle: FileHandle
  readonly journal: O.Option<Journal>
}

const reopen = async (part: string, journal: string, identity: DownloadIdentity): Promise<OpenFiles> => {
  const earlier = await reopenJournal(journal, identity)
  return closeOnError(earlier.handle, async () => ({
    handle: await reopenFile(part, constants.O_RDWR),
    journal: O.some(earlier)
  }))
}

/** Replaces old files instead of overwriting them: a process that still has one open cannot write to the new file. */
const create = async ({ context, part, journal, identity }: PartialFileOptions): Promise<OpenFiles> => {
  const handle = await withFileErrors(context, part)(() => replaceFile(part, constants.O_RDWR, temporaryMode))
  return closeOnError(handle, async () => ({
    handle,
    journal: O.isNone(journal)
      ? O.none
      : O.some(await withFileErrors(context, journal.value)(() => createJournal(journal.value, identity)))
  }))
}

/** Restarts the download if the old files cannot be resumed, for any reason. `create` reports errors that remain. */
const resumeOrCreate = async (options: PartialFileOptions): Promise<OpenFiles> => {
  const { part, journal, identity } = options
  if (O.isNone(journal)) return create(options)
  return reopen(part, journal.value, identity).catch(() => create(options))
}

// -- writing --
/**
 * A record is written before the disk has the bytes of its range, and is not synced itself: after a power failure the next run
 * finds that bytes or a record are missing, and fetches the range again.
 */
const createAppender = (
  { context }: PartialFileOptions,
  journal: Journal
): ((record: Json) => Promise<void>) =>
  appendRecords((lines) => withFileErrors(context, journal.path)(() => journal.handle.appendFile(lines)))

/**
 * Opens the partial file and journal of an earlier run. Creates new files if they are missing, belong to other bytes, or
 * were not written by this library.
 *
 * @shape  with a journal, the file has its final size from the start, and uses disk space only as its bytes are written
 * @errors `CosException` of a `FileError`
 */
export const openPartialFile = async (options: PartialFileOptions): Promise<PartialFile> => {
  const { context, part, identity } = options
  const { handle, journal } = await resumeOrCreate(options)
  const close = async (): Promise<void> => {
    if (O.isSome(journal)) await journal.value.handle.close()
    await handle.close()
  }
  if (O.isNone(journal)) {
    return {
      handle,
      path: part,
      recorded: new Map(),
      add: () => Promise.resolve(),
      flush: () => Promise.resolve(),
      isWorthKeeping: () => false,
      close
    }
  }
  try {
    await withFileErrors(context, part)(() => handle.truncate(identity.size))
  } catch (thrown) {
    await close()
    throw thrown
  }
  const append = createAppender(options, journal.value)
  const { recorded } = journal.value
  let count = recorded.size
  return {
    handle,
    path: part,
    recorded,
    add: async (number, crc64) => {
      await append([number, String(crc64)])
      count += 1
    },
    flush: options.durable
      ? coalesce(() => withFileErrors(context, part)(() => handle.datasync()))
      : () => Promise.resolve(),
    isWorthKeeping: () => count > 0,
    close
  }
}
