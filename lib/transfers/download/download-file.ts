/** Downloads an object into a file: verified, replaced atomically, resumed after an interruption. */
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
import { send, type CosEffect } from '../../client/send.js'
import type { GetRangeResult } from '../../operations/get-object.js'
import { headObject, type ObjectHead } from '../../operations/head-object.js'
import { openedLater, openUnchanged, type Content, type ContentRange, type OpenContent } from './content.js'
import {
  downloadOptions,
  downloadHeadInput,
  pinnedGetInput,
  validateDownload,
  type DownloadOptions
} from './options.js'
import { openPartialFile, type PartialFile } from '../../files/partial-file.js'
import { fetchPart } from './fetch-part.js'
import { fillRanges, type FillResult } from './fill-ranges.js'
import { remove, replaceAtomically, withFileErrors } from '../../files/atomic-file.js'
import { displayPath, withDirectory } from '../../files/open-directory.js'
import { Concurrency, requestsInFlight } from '../shared/concurrency.js'
import { withProgress, type WithProgress } from '../shared/progress.js'
import { runTransfer, type Transfer } from '../shared/run-transfer.js'
import {
  acquireDownloadSlot,
  FilePath,
  type AcquireSlot,
  type DownloadSlot
} from '../../files/download-lock.js'

export const downloadFileDefaults = { threshold: 20 * MiB, partSize: 20 * MiB, concurrency: 5 }

// -- input --
export interface DownloadFileInput extends DownloadOptions, WithProgress {
  /**
   * Path of the file; its directory must exist. An existing file is replaced after the new bytes have been verified. A
   * symbolic link is replaced, not followed.
   */
  readonly file: string
  /** Bytes: an object up to this size is fetched by one GET, which cannot be resumed. Default: 20 MiB. */
  readonly threshold?: number
  /** Bytes of one range. Doubles until 10,000 ranges suffice. Default: 20 MiB. */
  readonly partSize?: number
  /** Ranges fetched at once, 1 to 1,000. `'auto'`: as many as the service and the link take, at most 64. Default: 5. */
  readonly concurrency?: number | 'auto'
  /**
   * An existing directory for the journal of fetched ranges. `false`: no journal and no resuming. Default: beside the partial
   * file.
   */
  readonly checkpoint?: string | false
  /**
   * Keeps or removes the partial file after a failure. A partial file that cannot be resumed, as of an object that has changed,
   * is always removed. Default: `'keep'`.
   */
  readonly onFailure?: 'keep' | 'discard'
  /**
   * Flushes bytes to the disk before the journal records them and before the file is replaced, so that a power failure cannot
   * damage a file. `false` is faster for thousands of small files. Default: true.
   */
  readonly durable?: boolean
}

const Input = In.struct<DownloadFileInput>('DownloadFileInput', {
  ...downloadOptions,
  ...withProgress,
  file: FilePath,
  threshold: In.optional(In.bytes(0)),
  partSize: In.optional(In.bytes(1)),
  concurrency: In.optional(Concurrency),
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
  /** Absolute path. */
  readonly file: string
  /** Ranges: 1 for a single request. */
  readonly parts: number
  /** Whether the object was fetched in ranges. */
  readonly multipart: boolean
  /** Bytes that an earlier run had fetched. */
  readonly resumed: number
  /** Result of the comparison with COS's CRC64. */
  readonly integrity: Integrity
}

const action = 'downloadFile'

// -- the steps --
/** Known of an object before its first byte is requested. */
type KnownObject = Pick<ObjectHead, 'etag' | 'size' | 'lastModified' | 'versionId'>

/** The differences between an object whose HEAD was requested, and one whose metadata come with its bytes. */
interface ObjectSource<C extends Content> {
  readonly known: KnownObject
  /** All metadata of the object: from the HEAD, or from the response that has brought its bytes. */
  readonly head: () => ObjectHead
  readonly onResponse?: (response: GetRangeResult) => void
  readonly ranges: (partSize: number) => Iterable<ContentRange>
  /** Bytes of the file; none if they are known only when all have arrived. */
  readonly size: O.Option<number>
  /** Whether a range in the file can be compared. */
  readonly isResumable: boolean
  /** May be called when `head` may be. */
  readonly content: () => Promise<C>
}

interface DownloadState<C extends Content> extends Transfer<DownloadFileInput>, ObjectSource<C> {
  readonly target: string
  readonly slot: DownloadSlot
}

/** The result, and the content that the file has. */
export interface FileDownload<C extends Content> extends DownloadFileResult {
  readonly content: C
}

const maxRanges = 10_000

/** Whether one request fetches the object. */
const isSmall = (
  { threshold = downloadFileDefaults.threshold }: DownloadFileInput,
  { size }: Pick<KnownObject, 'size'>
): boolean => size <= threshold

const rangeSize = (input: DownloadFileInput, size: number): number => {
  if (isSmall(input, { size })) return Math.max(1, size)
  let partSize = input.partSize ?? downloadFileDefaults.partSize
  while (partSize * maxRanges < size) partSize *= 2
  return partSize
}

/** Path of the journal. None: nothing is recorded, and the next run starts over. */
const journalOf = <C extends Content>({
  input: { checkpoint },
  target,
  slot
}: DownloadState<C>): O.Option<string> => {
  if (checkpoint === false || !slot.exclusive) return O.none
  if (checkpoint === undefined) return O.some(slot.journal)
  const name = createHash('sha256').update(target).digest('hex').slice(0, 32)
  return O.some(join(resolve(checkpoint), `${name}.cospipe-journal`))
}

const fetchInto = async <C extends Content>(
  state: DownloadState<C>,
  partial: PartialFile,
  partSize: number
): Promise<FillResult> => {
  const { scope, context, input, known, onResponse } = state
  const { progress } = input
  return fillRanges({
    context,
    partial,
    concurrency: requestsInFlight(scope.client, input.concurrency ?? downloadFileDefaults.concurrency),
    controller: scope.controller,
    fetch: fetchPart({
      ...In.defined({ progress }),
      client: scope.client,
      context,
      object: pinnedGetInput(input, known),
      onResponse
    }),
    onSkipped: ({ size }) => progress?.report({ _tag: 'PartSkipped', size })
  })(state.ranges(partSize))
}

/** Whether the partial file can never become this object: the object has changed, or the bytes differ from COS's. */
const isUnusable = (error: CosError): boolean =>
  error._tag === 'ObjectChanged' || (error._tag === 'IntegrityError' && O.isNone(error.part))

/** Completes the partial file and replaces the target with it. */
const finishDownload = async <C extends Content>(
  state: DownloadState<C>,
  partial: PartialFile,
  partSize: number
): Promise<FileDownload<C>> => {
  const { scope, context, input, target } = state
  const { runs, resumed } = await fetchInto(state, partial, partSize)
  const head = state.head()
  const content = await state.content()
  const size = O.isSome(content.size) ? content.size.value : (await partial.handle.stat()).size
  const integrity = compareCrc64(context)({
    expected: head.crc64,
    got: O.some(combineAllCrc64(runs).crc64),
    ours: 'got'
  })
  if (E.isLeft(integrity)) throw new CosException(integrity.left)
  await withFileErrors(
    context,
    target
  )(() =>
    replaceAtomically(partial.handle, {
      from: partial.path,
      target,
      durable: input.durable ?? true,
      signal: scope.controller.signal
    })
  )
  const multipart = !isSmall(input, state.known)
  // An empty object has no range.
  return {
    ...head,
    size,
    content,
    file: displayPath(target),
    parts: Math.max(1, runs.length),
    multipart,
    resumed,
    integrity: integrity.right
  }
}

const download = async <C extends Content>(
  state: DownloadState<C>
): Promise<E.Either<CosError, FileDownload<C>>> => {
  const { context, input, known, slot } = state
  const partSize = rangeSize(input, known.size)
  const journal = journalOf(state)
  let keep = false
  let isMoved = false
  try {
    const partial = await openPartialFile({
      context,
      part: slot.part,
      journal: isSmall(input, known) || !state.isResumable ? O.none : journal,
      identity: {
        bucket: input.bucket,
        key: input.key,
        ...known,
        size: O.getOrElse(() => known.size)(state.size),
        partSize
      },
      durable: input.durable ?? true
    })
    try {
      const downloaded = await finishDownload(state, partial, partSize)
      isMoved = true
      return E.right(downloaded)
    } catch (thrown) {
      const error = fromUnknown(context)(thrown)
      keep = input.onFailure !== 'discard' && partial.isWorthKeeping() && !isUnusable(error)
      return E.left(error)
    } finally {
      await partial.close()
    }
  } finally {
    // A journal beside the partial file is removed with it.
    if (!keep && O.isSome(journal) && typeof input.checkpoint === 'string')
      await remove(journal.value).catch(() => undefined)
    await slot.release(keep, isMoved)
  }
}

type DownloadRun<C extends Content> = (
  transfer: Transfer<DownloadFileInput>
) => Promise<E.Either<CosError, FileDownload<C>>>

const runDownload =
  <C extends Content>(open: OpenContent<C>): DownloadRun<C> =>
  async (transfer) => {
    const { scope, context, input } = transfer
    const target = resolve(input.file)
    return withDirectory(target, async () => {
      const found = await send(headObject(downloadHeadInput(input)))(scope.client)()
      if (E.isLeft(found)) return found
      const head = found.right
      const opened = await open({ context, input, head })(scope.client)()
      if (E.isLeft(opened)) return opened
      const content = opened.right
      input.progress?.report({ _tag: 'Expected', size: head.size })
      const slot = await acquireDownloadSlot(context, target, scope.controller.signal)
      return download({
        ...transfer,
        ...In.pick('size', 'isResumable', 'ranges')(content),
        known: head,
        head: () => head,
        content: () => Promise.resolve(content),
        target,
        slot
      })
    })
  }

/** Bytes and metadata by one request: a HEAD for each small file of a directory would be half of all requests. */
const runInOneRequest =
  <C extends Content>(listed: ListedObject, acquireSlot: AcquireSlot, open: OpenContent<C>): DownloadRun<C> =>
  async (transfer) => {
    const { scope, context, input } = transfer
    const { etag, size, lastModified } = listed
    let received: ObjectHead | undefined
    const head = (): ObjectHead => {
      if (received !== undefined) return received
      throw new Error('no response: the object is empty')
    }
    let opened: Promise<E.Either<CosError, C>> | undefined
    const content = async (): Promise<C> => {
      opened ??= open({ context, input, head: head() })(scope.client)()
      const found = await opened
      if (E.isLeft(found)) throw new CosException(found.left)
      return found.right
    }
    const target = resolve(input.file)
    return withDirectory(target, async () => {
      const slot = await acquireSlot(context, target, scope.controller.signal)
      return download({
        ...transfer,
        known: { etag, size, lastModified: O.some(lastModified), versionId: O.none },
        head,
        onResponse: ({ body, ...response }) => {
          if (received === undefined) input.progress?.report({ _tag: 'Expected', size })
          received ??= { ...response, size }
        },
        size: O.none,
        isResumable: false,
        ranges: () => [openedLater(size, content)],
        content,
        target,
        slot
      })
    })
  }

/**
 * Downloads an object into a file.
 *
 * Starts with a HEAD. Ranges are then fetched in parallel, on condition that the object still has that ETag, and written to a
 * partial file in a temporary directory beside the target. When all are complete, their combined CRC64 is compared with
 * COS's, and a rename replaces the target. Until then an existing file is untouched.
 *
 * A journal records each complete range. The next run for the same file, in this process or another, finds it even after
 * `kill -9`, compares the recorded ranges and fetches the others. A partial file of an object that has changed, or with
 * another `partSize`, is discarded. Two downloads to one file do not disturb each other; the last to finish replaces it.
 *
 * @shape  `DownloadFileInput -> CosEffect<DownloadFileResult>`
 * @units  below 640 KiB for each range in flight, besides socket buffers, for any size of object and ranges
 * @errors those of `headObject` and `getObject`; `ObjectChanged`; `IntegrityError`; `FileError` with the system's code, such as
 *         `ENOENT` or `EACCES` of the directory, `EISDIR` of the target, `ENOSPC`. The partial file is kept after a failure
 *         or an abort, unless `onFailure` or `checkpoint` say otherwise
 * @example downloadFile({ bucket, key: 'films/a.mp4', file: 'a.mp4' })
 */
export const downloadFile = (input: DownloadFileInput): CosEffect<DownloadFileResult> =>
  pipe(downloadFileContent(openUnchanged)(input), RTE.map(withoutContent))

/** `downloadFile` of the content that `open` finds. */
export const downloadFileContent =
  <C extends Content>(open: OpenContent<C>) =>
  (input: DownloadFileInput): CosEffect<FileDownload<C>> =>
    startDownload(input, runDownload(open))

export const withoutContent = ({ content: _content, ...result }: FileDownload<Content>): DownloadFileResult =>
  result

/** The fields of a listing entry that a download needs. */
export interface ListedObject extends Pick<KnownObject, 'etag' | 'size'> {
  readonly lastModified: Date
}

/** The object was replaced or deleted since it was listed, or the target's directory is on another disk. */
const shouldStartWithHead = (error: CosError): boolean =>
  error._tag === 'ObjectChanged' || (error._tag === 'FileError' && error.code === 'EXDEV')

/** `downloadFile` for a listed object. A small one is fetched without a HEAD, into a slot from `acquireSlot`. */
export const downloadListed = <C extends Content>(
  input: DownloadFileInput,
  listed: ListedObject,
  acquireSlot: AcquireSlot,
  open: OpenContent<C>
): CosEffect<FileDownload<C>> =>
  listed.size > 0 && isSmall(input, listed)
    ? pipe(
        startDownload(input, runInOneRequest(listed, acquireSlot, open)),
        RTE.orElse((error) =>
          shouldStartWithHead(error) ? startDownload(input, runDownload(open)) : RTE.left(error)
        )
      )
    : startDownload(input, runDownload(open))

const startDownload = <C extends Content>(
  input: DownloadFileInput,
  run: DownloadRun<C>
): CosEffect<FileDownload<C>> => runTransfer(action, validateDownload(action, Input), run)(input)
