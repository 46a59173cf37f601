/** A file while it is being fetched, and the journal that lets the next run go on with it. */
import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import * as E from 'fp-ts/lib/Either.js'
import type { Json } from 'fp-ts/lib/Json.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import type { Context } from '../core/error.js'
import * as In from '../core/input.js'
import { MiB } from '../core/limits.js'
import { readRecords, writeRecord, type Records } from './journal-records.js'
import * as W from '../core/wire.js'
import { temporaryMode } from './file-mode.js'
import { reopenFile, replaceFile, withFileErrors } from './atomic-file.js'
import { systemError } from './system-error.js'

/** Which bytes these are, and how they are cut: only then does what is known of some say anything about others. */
export interface Identity {
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
  /** Of the bytes. */
  readonly path: string
  /**
   * What an earlier run wrote down of its ranges, by number: their CRC64. A claim and no more: whoever wrote it, and
   * whatever befell the disk since, bytes that have this checksum are the bytes.
   */
  readonly claimed: ReadonlyMap<number, bigint>
  /** Writes down that a range is there, once its bytes are safe on the disk. */
  readonly add: (number: number, crc64: bigint) => Promise<void>
  /** Whether there is anything that the next run could go on with. */
  readonly isWorthKeeping: () => boolean
  readonly close: () => Promise<void>
}

export interface PartialFileOptions {
  readonly context: Context
  /** Where the bytes are. */
  readonly part: string
  /** Where the journal is; none: the next run begins anew. */
  readonly journal: O.Option<string>
  readonly identity: Identity
  /** Whether to wait for the disk. */
  readonly durable: boolean
}

// -- what the journal says --
const header = (identity: Identity): Json => ({
  cospipe: 'download',
  bucket: identity.bucket,
  key: identity.key,
  versionId: O.toNullable(identity.versionId),
  etag: identity.etag,
  size: identity.size,
  lastModified: O.toNullable(O.map((date: Date) => date.toISOString())(identity.lastModified)),
  partSize: identity.partSize
})

const Known = t.tuple([In.integer(1), W.Crc64])

/** None: it is not about these bytes. */
const journalRanges = (
  { records: [first, ...rest] }: Records,
  identity: Identity
): O.Option<Map<number, bigint>> => {
  if (JSON.stringify(first) !== JSON.stringify(header(identity))) return O.none
  const count = Math.ceil(identity.size / identity.partSize)
  return O.some(
    new Map(
      rest.flatMap((record) => {
        const known = Known.decode(record)
        return E.isRight(known) && known.right[0] <= count ? [known.right] : []
      })
    )
  )
}

// 10,000 ranges make less than 500 KB; what is more was not written by us.
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
  readonly claimed: ReadonlyMap<number, bigint>
}

/** Uses a file that was opened for good, and closes it only where that fails. */
const appendTo = async <A>(handle: FileHandle, use: () => Promise<A>): Promise<A> => {
  try {
    return await use()
  } catch (thrown) {
    await handle.close()
    throw thrown
  }
}

const reopenJournal = async (path: string, identity: Identity): Promise<Journal> => {
  const handle = await reopenFile(path, constants.O_RDWR | constants.O_APPEND)
  return appendTo(handle, async () => {
    const found = await readAll(handle)
    const claimed = journalRanges(found, identity)
    if (O.isNone(claimed)) throw systemError('EEXIST', 'the file is not a download journal')
    // What a crash cut short would swallow the next line.
    await handle.truncate(found.end)
    return { handle, path, claimed: claimed.value }
  })
}

const createJournal = async (path: string, identity: Identity): Promise<Journal> => {
  const handle = await replaceFile(path, constants.O_RDWR | constants.O_APPEND, temporaryMode)
  return appendTo(handle, async () => {
    await handle.appendFile(writeRecord(header(identity)))
    return { handle, path, claimed: new Map() }
  })
}

interface OpenFile {
  readonly handle: FileHandle
  readonly journal: O.Option<Journal>
}

const reopen = async (part: string, journal: string, identity: Identity): Promise<OpenFile> => {
  const earlier = await reopenJournal(journal, identity)
  return appendTo(earlier.handle, async () => ({
    handle: await reopenFile(part, constants.O_RDWR),
    journal: O.some(earlier)
  }))
}

/** Old files are not written over but replaced: what still has them open then writes to what nobody will read. */
const create = async ({ context, part, journal, identity }: PartialFileOptions): Promise<OpenFile> => {
  const handle = await withFileErrors(context, part)(() => replaceFile(part, constants.O_RDWR, temporaryMode))
  return appendTo(handle, async () => ({
    handle,
    journal: O.isNone(journal)
      ? O.none
      : O.some(await withFileErrors(context, journal.value)(() => createJournal(journal.value, identity)))
  }))
}

/** Whatever is wrong with what was left, the answer is to begin anew; what is in the way of that will say so itself. */
const resumeOrCreate = async (options: PartialFileOptions): Promise<OpenFile> => {
  const { part, journal, identity } = options
  if (O.isNone(journal)) return create(options)
  return reopen(part, journal.value, identity).catch(() => create(options))
}

// -- writing --
/**
 * Adds lines to a journal. Bytes reach the disk before the line that speaks of them is written; the line itself may be
 * lost with the power, and its range is then fetched again. Those who come while the disk is busy share its next turn.
 */
const addRange = (
  { context, part, durable }: PartialFileOptions,
  handle: FileHandle,
  journal: Journal
): ((record: Json) => Promise<void>) => {
  let waiting: ReadonlyArray<Uint8Array> = []
  let turn: Promise<void> = Promise.resolve()
  let next: Promise<void> | undefined
  const write = async (): Promise<void> => {
    const lines = waiting
    waiting = []
    next = undefined
    if (durable) await withFileErrors(context, part)(() => handle.datasync())
    await withFileErrors(context, journal.path)(() => journal.handle.appendFile(Buffer.concat(lines)))
  }
  return (record) => {
    waiting = [...waiting, writeRecord(record)]
    next ??= turn = turn.then(write)
    return next
  }
}

/**
 * Opens what an earlier run left, or begins anew where that is nothing, or about other bytes, or no file of ours.
 *
 * @shape  with a journal the file has its size from the start, and takes room as its bytes come
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
      claimed: new Map(),
      add: () => Promise.resolve(),
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
  const write = addRange(options, handle, journal.value)
  const { claimed } = journal.value
  let known = claimed.size
  return {
    handle,
    path: part,
    claimed,
    add: async (number, crc64) => {
      await write([number, String(crc64)])
      known += 1
    },
    isWorthKeeping: () => known > 0,
    close
  }
}
