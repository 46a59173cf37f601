/** Downloads an object into a file: verified, replaced atomically, resumed after an interruption. */
import { resolve } from 'node:path'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import { CosException, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import { send, type CosEffect } from '../../client/send.js'
import { acquireDownloadSlot, type AcquireSlot } from '../../files/download-lock.js'
import { withDirectory } from '../../files/open-directory.js'
import { headObject, type ObjectHead } from '../../operations/head-object.js'
import { runTransfer, type Transfer } from '../shared/run-transfer.js'
import { openedLater, openUnchanged, type Content, type OpenContent } from './content.js'
import { downloadAtOnce, largestAtOnce } from './download-at-once.js'
import { DownloadFileInput, isSmall } from './file-options.js'
import {
  downloadIntoSlot,
  type DownloadFileResult,
  type FileDownload,
  type KnownObject
} from './fill-file.js'
import { downloadHeadInput, validateDownload } from './options.js'

export type { DownloadFileInput } from './file-options.js'
export type { DownloadFileResult, FileDownload } from './fill-file.js'

const action = 'downloadFile'

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
      return downloadIntoSlot({
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
      const slot = await acquireSlot(context, target, () => scope.controller.signal)
      return downloadIntoSlot({
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

const startDownload = <A extends DownloadFileResult>(
  input: DownloadFileInput,
  run: (transfer: Transfer<DownloadFileInput>) => Promise<E.Either<CosError, A>>
): CosEffect<A> => runTransfer(action, validateDownload(action, DownloadFileInput), run)(input)

/**
 * Downloads an object into a file.
 *
 * Starts with a HEAD. Ranges are then fetched in parallel, on condition that the object still has that ETag, and written to a
 * partial file in a temporary directory beside the target. When all are complete, their combined CRC64 is compared with
 * COS's, and a rename replaces the target. Until then an existing file is untouched.
 *
 * A journal records each complete range, and the disk takes its bytes while others are fetched. The next run for the same
 * file, in this process or another, finds it even after `kill -9`, compares the recorded ranges and fetches the others. A
 * partial file of an object that has changed, or with another `partSize`, is discarded. Two downloads to one file do not
 * disturb each other; the last to finish replaces it.
 *
 * @shape  `DownloadFileInput -> CosEffect<DownloadFileResult>`
 * @units  below 1.75 MiB for each range in flight, besides socket buffers, for any size of object and ranges
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

/** Without a HEAD by `run`, if the object is still the listed one. */
const startWithoutHead = <A extends DownloadFileResult>(
  input: DownloadFileInput,
  run: (transfer: Transfer<DownloadFileInput>) => Promise<E.Either<CosError, A>>,
  withHead: CosEffect<A>
): CosEffect<A> =>
  pipe(
    startDownload(input, run),
    RTE.orElse((error) => (shouldStartWithHead(error) ? withHead : RTE.left(error)))
  )

/** `downloadFile` for a listed object. A small one is fetched without a HEAD, into a slot from `acquireSlot`. */
export const downloadListed = <C extends Content>(
  input: DownloadFileInput,
  listed: ListedObject,
  acquireSlot: AcquireSlot,
  open: OpenContent<C>
): CosEffect<FileDownload<C>> => {
  const withHead = startDownload(input, runDownload(open))
  return listed.size > 0 && isSmall(input, listed)
    ? startWithoutHead(input, runInOneRequest(listed, acquireSlot, open), withHead)
    : withHead
}

/** `downloadListed` of the stored bytes, which are held in memory if they are few. */
export const downloadUnchanged = (
  input: DownloadFileInput,
  listed: ListedObject,
  acquireSlot: AcquireSlot
): CosEffect<DownloadFileResult> =>
  listed.size > 0 && listed.size <= largestAtOnce && isSmall(input, listed)
    ? startWithoutHead(input, downloadAtOnce(listed, acquireSlot), downloadFile(input))
    : pipe(downloadListed(input, listed, acquireSlot, openUnchanged), RTE.map(withoutContent))
