/** An object becomes a file: whole and verified, or the old file stays; and a run that is cut off is gone on with. */
import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import { combineAllCrc64 } from '../../core/crc64.js'
import { CosException, fromUnknown, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import { compareCrc64, type Integrity } from '../../core/integrity.js'
import { MiB } from '../../core/limits.js'
import { validate } from '../../core/operation.js'
import { publishPartBytes, refInfo } from '../../client/diagnostics.js'
import { readRange } from '../../client/read-range.js'
import { send, type CosEffect } from '../../client/send.js'
import type { GetRangeResult } from '../../operations/get-object.js'
import { headObject, type ObjectHead } from '../../operations/head-object.js'
import type { FetchRange } from '../../stages/fetch-ranges.js'
import { planRanges } from '../../stages/plan-ranges.js'
import { reportBytes } from '../../stages/progress.js'
import { downloadOptions, downloadHeadInput, pinnedGetInput, type DownloadOptions } from './options.js'
import { openPartialFile, type PartialFile } from '../../files/partial-file.js'
import { fillRanges, type FillResult } from './fill-ranges.js'
import { remove, replaceAtomically, withFileErrors } from '../../files/atomic-file.js'
import { withProgress, type WithProgress } from '../shared/progress.js'
import { runTransfer, type Transfer } from '../shared/run-transfer.js'
import {
  acquireDownloadSlot,
  FilePath,
  type AcquireSlot,
  type DownloadSlot
} from '../../files/download-lock.js'

const downloadFileDefaults = { threshold: 20 * MiB, partSize: 20 * MiB, concurrency: 5 }

// -- input --
export interface DownloadFileInput extends DownloadOptions, WithProgress {
  /**
   * The file's path; its folder must be there. What is there already is replaced once the new bytes are verified: a file,
   * or a link, which is not followed.
   */
  readonly file: string
  /** In bytes: up to so many come in one request, and are not gone on with; 20 MiB unless said. */
  readonly threshold?: number
  /** In bytes, of one range; 20 MiB unless said. Doubled until 10,000 ranges suffice. */
  readonly partSize?: number
  /** Ranges fetched at once; 5 unless said. */
  readonly concurrency?: number
  /**
   * A folder for the journal of what has come, which must be there; beside the file unless said. `false`: no journal, and
   * no going on.
   */
  readonly checkpoint?: string | false
  /**
   * Whether what has come stays for the next run to go on with. `keep` unless said; what nothing could go on with, as of
   * an object that has changed, is discarded all the same.
   */
  readonly onFailure?: 'keep' | 'discard'
  /**
   * Waits until the disk has the bytes before it writes down that they are there, or replaces the file, so that a power
   * failure costs no file. True unless said; thousands of small files are faster without.
   */
  readonly durable?: boolean
}

const Input = In.struct<DownloadFileInput>('DownloadFileInput', {
  ...downloadOptions,
  ...withProgress,
  file: FilePath,
  threshold: In.optional(In.integer(0)),
  partSize: In.optional(In.integer(1)),
  concurrency: In.optional(In.integer(1, 1000)),
  checkpoint: In.optional(
    In.guarded(
      'the path of a folder, or false',
      (u): u is string | false => u === false || (typeof u === 'string' && u !== '' && !u.includes('\0'))
    )
  ),
  onFailure: In.optional(In.oneOf('keep', 'discard')),
  durable: In.optional(In.boolean)
})

// -- output --
export interface DownloadFileResult extends ObjectHead {
  /** Its whole path. */
  readonly file: string
  /** Ranges that it was fetched in: 1 for a single request. */
  readonly parts: number
  /** Whether it was fetched in parts. */
  readonly multipart: boolean
  /** Bytes that were there already, of an earlier run. */
  readonly resumed: number
  /** How the bytes compared with COS's checksum. */
  readonly integrity: Integrity
}

const action = 'downloadFile'

// -- the flow --
/** What must be known of an object before its first byte is asked for. */
type Known = Pick<ObjectHead, 'etag' | 'size' | 'lastModified' | 'versionId'>

interface DownloadState extends Transfer<DownloadFileInput> {
  readonly known: Known
  /** All that COS says of it, once its bytes are there: of a HEAD, or of the answer that brought them. */
  readonly head: () => ObjectHead
  readonly answered?: (answer: GetRangeResult) => void
  readonly target: string
  readonly place: DownloadSlot
}

const mostRanges = 10_000

/** It comes in one request. */
const isSmall = (
  { threshold = downloadFileDefaults.threshold }: DownloadFileInput,
  { size }: Pick<Known, 'size'>
): boolean => size <= threshold

const rangeSize = (input: DownloadFileInput, size: number): number => {
  if (isSmall(input, { size })) return Math.max(1, size)
  let doubled = input.partSize ?? downloadFileDefaults.partSize
  while (doubled * mostRanges < size) doubled *= 2
  return doubled
}

/** None: nothing is ever written down, and the next run begins anew. */
const journalOf = ({ input: { checkpoint }, target, place }: DownloadState): O.Option<string> => {
  if (checkpoint === false || !place.alone) return O.none
  if (checkpoint === undefined) return O.some(place.journal)
  const name = createHash('sha256').update(target).digest('hex').slice(0, 32)
  return O.some(join(resolve(checkpoint), `${name}.cospipe-journal`))
}

const fetchInto = async (now: DownloadState, draft: PartialFile, partSize: number): Promise<FillResult> => {
  const { scope, context, input, known, answered } = now
  const { progress } = input
  const pinned = pinnedGetInput(input, known)
  const fetch: FetchRange = (range, signal) =>
    pipe(
      readRange({ ...scope.client, signals: [signal] }, context, pinned, range, answered),
      publishPartBytes(context, {
        ...refInfo(context),
        part: range.number,
        size: range.size,
        direction: 'down'
      })
    )
  return fillRanges({
    context,
    draft,
    concurrency: input.concurrency ?? downloadFileDefaults.concurrency,
    controller: scope.controller,
    fetch: progress === undefined ? fetch : reportBytes(progress)(fetch),
    skipped: ({ size }) => progress?.tell({ _tag: 'PartSkipped', size })
  })(planRanges({ to: known.size, partSize }))
}

/** What was gathered would never become this object: it is another's by now, or not what COS has. */
const isSpoiled = (error: CosError): boolean =>
  error._tag === 'ObjectChanged' || (error._tag === 'IntegrityError' && O.isNone(error.part))

/** Fills the draft and puts it in the file's place. */
const finishDownload = async (
  now: DownloadState,
  draft: PartialFile,
  partSize: number
): Promise<DownloadFileResult> => {
  const { scope, context, input, target } = now
  const { runs, resumed } = await fetchInto(now, draft, partSize)
  const head = now.head()
  const integrity = compareCrc64(context, { right: 'theirs' })(
    O.some(combineAllCrc64(runs).crc64),
    head.crc64
  )
  if (E.isLeft(integrity)) throw new CosException(integrity.left)
  await withFileErrors(
    context,
    target
  )(() =>
    replaceAtomically(draft.handle, {
      from: draft.path,
      target,
      durable: input.durable ?? true,
      signal: scope.controller.signal
    })
  )
  const multipart = !isSmall(input, now.known)
  // An object without bytes has no range.
  return {
    ...head,
    file: target,
    parts: Math.max(1, runs.length),
    multipart,
    resumed,
    integrity: integrity.right
  }
}

const download = async (now: DownloadState): Promise<E.Either<CosError, DownloadFileResult>> => {
  const { context, input, known, place } = now
  const partSize = rangeSize(input, known.size)
  const journal = journalOf(now)
  let keep = false
  try {
    const draft = await openPartialFile({
      context,
      part: place.part,
      journal: isSmall(input, known) ? O.none : journal,
      identity: { bucket: input.bucket, key: input.key, ...known, partSize },
      durable: input.durable ?? true
    })
    try {
      return E.right(await finishDownload(now, draft, partSize))
    } catch (thrown) {
      const error = fromUnknown(context)(thrown)
      keep = input.onFailure !== 'discard' && draft.isWorthKeeping() && !isSpoiled(error)
      return E.left(error)
    } finally {
      await draft.close()
    }
  } finally {
    // One that is beside the bytes goes with them.
    if (!keep && O.isSome(journal) && typeof input.checkpoint === 'string')
      await remove(journal.value).catch(() => undefined)
    await place.leave(keep)
  }
}

type DownloadRun = (transfer: Transfer<DownloadFileInput>) => Promise<E.Either<CosError, DownloadFileResult>>

const runDownload: DownloadRun = async (transfer) => {
  const { scope, context, input } = transfer
  const head = await send(headObject(downloadHeadInput(input)))(scope.client)()
  if (E.isLeft(head)) return head
  input.progress?.tell({ _tag: 'Expected', size: head.right.size })
  const target = resolve(input.file)
  const place = await acquireDownloadSlot(context, target, scope.controller.signal)
  return download({ ...transfer, known: head.right, head: () => head.right, target, place })
}

/** Bytes and head in one request: a HEAD for each small file of a folder would be half of all requests. */
const runInOneRequest =
  (listed: ListedObject, going: AcquireSlot): DownloadRun =>
  async (transfer) => {
    const { scope, context, input } = transfer
    const { etag, size, lastModified } = listed
    let head: ObjectHead | undefined
    const target = resolve(input.file)
    const place = await going(context, target, scope.controller.signal)
    return download({
      ...transfer,
      known: { etag, size, lastModified, versionId: O.none },
      head: () => {
        if (head !== undefined) return head
        throw new Error('an object without bytes has no answer')
      },
      answered: ({ body, ...answer }) => {
        if (head === undefined) input.progress?.tell({ _tag: 'Expected', size })
        head ??= { ...answer, size }
      },
      target,
      place
    })
  }

/**
 * Downloads an object into a file.
 *
 * It begins with a HEAD. Ranges are then fetched at once, on condition that the object is still that one, and written to
 * their places in a file of their own, in a folder beside the target. When all are there, their CRC64 together is
 * compared with COS's, and a rename puts the file in place: until then what was there is untouched.
 *
 * What has come is written down in a journal. The next run with the same file, of this process or another, finds it even
 * after a `kill -9`; it reads and compares what is there, and fetches the rest. Bytes of an object that has changed
 * since, or that was cut in other ranges, are dropped. Two who download to one file at the same time do not disturb each
 * other, and the last to end wins.
 *
 * @shape  `DownloadFileInput -> Effect<DownloadedFile>`
 * @units  below 640 KiB for each range in flight, besides what sockets hold, whatever the size of object and ranges
 * @errors those of `headObject` and `getObject`; `ObjectChanged`; `IntegrityError`; `FileError` with the system's code,
 *         such as `ENOENT` or `EACCES` of the folder, `EISDIR` of the target, `ENOSPC`: then, as after an abort, what has
 *         come stays, unless `onFailure` or `checkpoint` say otherwise
 * @example downloadFile({ bucket, key: 'films/a.mp4', file: 'a.mp4' })
 */
export const downloadFile = (input: DownloadFileInput): CosEffect<DownloadFileResult> =>
  startDownload(input, runDownload)

/** What a listing says of an object. */
export type ListedObject = Omit<Known, 'versionId'>

/** It was replaced since it was listed, or deleted; or the folder it goes to lies on another disk. */
const mayTryInParts = (error: CosError): boolean =>
  error._tag === 'ObjectChanged' || (error._tag === 'FileError' && error.code === 'EXDEV')

/** `downloadFile` of what was listed a moment ago: what is small comes without a HEAD, and is made where `going` says. */
export const downloadListed = (
  input: DownloadFileInput,
  listed: ListedObject,
  going: AcquireSlot
): CosEffect<DownloadFileResult> =>
  listed.size > 0 && isSmall(input, listed)
    ? pipe(
        startDownload(input, runInOneRequest(listed, going)),
        RTE.orElse((error) => (mayTryInParts(error) ? startDownload(input, runDownload) : RTE.left(error)))
      )
    : startDownload(input, runDownload)

const startDownload = (input: DownloadFileInput, run: DownloadRun): CosEffect<DownloadFileResult> =>
  runTransfer(action, validate(action, Input), run)(input)
