/** The partial file of a download: filled, verified, and moved to its target. */
import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import { combineAllCrc64 } from '../../core/crc64.js'
import { CosException, fromUnknown, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import { compareCrc64, type Integrity } from '../../core/integrity.js'
import { remove, replaceAtomically, withFileErrors } from '../../files/atomic-file.js'
import type { DownloadSlot } from '../../files/download-lock.js'
import { displayPath } from '../../files/open-directory.js'
import { openPartialFile, type PartialFile } from '../../files/partial-file.js'
import type { GetRangeResult } from '../../operations/get-object.js'
import type { ObjectHead } from '../../operations/head-object.js'
import { requestsInFlight } from '../shared/concurrency.js'
import type { Transfer } from '../shared/run-transfer.js'
import type { Content, ContentPart } from './content.js'
import { fetchPart } from './fetch-part.js'
import { downloadFileDefaults, isSmall, rangeSize, type DownloadFileInput } from './file-options.js'
import { fillRanges, type FillResult } from './fill-ranges.js'
import { pinnedGetInput } from './options.js'

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

/** Known of an object before its first byte is requested. */
export type KnownObject = Pick<ObjectHead, 'etag' | 'size' | 'lastModified' | 'versionId'>

/** The differences between an object whose HEAD was requested, and one whose metadata come with its bytes. */
interface ObjectSource<C extends Content> {
  readonly known: KnownObject
  /** All metadata of the object: from the HEAD, or from the response that has brought its bytes. */
  readonly head: () => ObjectHead
  readonly onResponse?: (response: GetRangeResult) => void
  readonly ranges: (partSize: number) => Iterable<ContentPart>
  /** Bytes of the file; none if they are known only when all have arrived. */
  readonly size: O.Option<number>
  /** Whether a range in the file can be compared. */
  readonly isResumable: boolean
  /** May be called when `head` may be. */
  readonly content: () => Promise<C>
}

export interface DownloadState<C extends Content> extends Transfer<DownloadFileInput>, ObjectSource<C> {
  readonly target: string
  readonly slot: DownloadSlot
}

/** The result, and the content that the file has. */
export interface FileDownload<C extends Content> extends DownloadFileResult {
  readonly content: C
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

/** Downloads the object into its slot. */
export const downloadIntoSlot = async <C extends Content>(
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
