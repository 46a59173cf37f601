/** Downloads the objects of a prefix into a directory, several in parallel, and never writes outside it. */
import { join, resolve } from 'node:path'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { CosException, fileError, type Context, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import { contextOf, validate } from '../../core/operation.js'
import { bucketRef, type BucketRef } from '../../core/request.js'
import { tryTask } from '../../core/try-task.js'
import { identityOf, toSegments } from '../../files/safe-path.js'
import type { Client } from '../../client/client.js'
import type { CosEffect } from '../../client/send.js'
import { withCustomerKey, type WithCustomerKey } from '../../operations/parameters/encryption.js'
import { withReferer, type WithReferer } from '../../operations/parameters/referer.js'
import { trafficLimit, type TrafficLimit } from '../../operations/parameters/storage.js'
import { directoryDefaults, directoryOptions, folderPrefix, type DirectoryOptions } from './options.js'
import {
  downloadUnchanged,
  type DownloadFileInput,
  type DownloadFileResult
} from '../download/download-file.js'
import { findUnchanged, isPresent, type FindContent } from './is-present.js'
import { withFileErrors } from '../../files/atomic-file.js'
import { displayPath, holdDirectory, isHeld } from '../../files/open-directory.js'
import { globFilter, matchesFile } from './glob-filter.js'
import {
  openRootDirectory,
  ensureParent,
  type RootDirectory,
  type ParentCheck
} from '../../files/safe-directory.js'
import { sharedTempDirectory } from '../../files/shared-temp-directory.js'
import { joinProgress, withoutEnd } from '../shared/progress.js'
import { streamObjectBatches, type ListedObject } from '../list/stream-objects.js'
import { failedStream, makeForEachRun, type EffectStream } from '../shared/effect-stream.js'
import { runEach } from '../shared/run-each.js'
import { removeStaleSlot, isLockDirectoryName, type AcquireSlot } from '../../files/download-lock.js'

export interface DownloadDirectoryInput
  extends BucketRef, WithCustomerKey, TrafficLimit, WithReferer, DirectoryOptions {
  /** Bytes: an object up to this size is fetched by one GET, a larger one in ranges. Default: 20 MiB. */
  readonly threshold?: number
  /** Bytes of one range. Default: 20 MiB. */
  readonly partSize?: number
  /**
   * Flushes each file to the disk before it replaces the target. Default: false. A file damaged by a power failure is found by
   * its CRC64 in the next run.
   */
  readonly durable?: boolean
  /** Whether `a` and `A` name the same file in the directory. Default: detected by creating a temporary folder. */
  readonly caseInsensitive?: boolean
}

const Input = In.struct<DownloadDirectoryInput>('DownloadDirectoryInput', {
  ...bucketRef,
  ...withCustomerKey,
  ...trafficLimit,
  ...withReferer,
  ...globFilter,
  ...directoryOptions,
  threshold: In.optional(In.bytes(0)),
  partSize: In.optional(In.bytes(1)),
  durable: In.optional(In.boolean),
  caseInsensitive: In.optional(In.boolean)
})

/**
 * `path` is relative to `directory`, with `/` between segments on every system. A folder's path ends in `/`. `D` is the
 * result of a downloaded file.
 */
export type DownloadDirectoryResult<D = DownloadFileResult> =
  | {
      readonly _tag: 'Downloaded'
      readonly key: string
      readonly path: string
      readonly downloaded: D
    }
  /** The file already exists: see `skip`. */
  | { readonly _tag: 'Skipped'; readonly key: string; readonly path: string; readonly size: number }
  /** The key ends in `/`: the folder exists now. */
  | { readonly _tag: 'Folder'; readonly key: string; readonly path: string }
  /** The key is not a safe path below the directory, or names the same file as another key. Nothing was written. */
  | { readonly _tag: 'UnsafeKey'; readonly key: string; readonly reason: string }
  | { readonly _tag: 'Failed'; readonly key: string; readonly path: string; readonly error: CosError }

const action = 'downloadDirectory'

/** How the objects are read: as they are stored, or decrypted. */
export interface ReadObjects<D> extends FindContent {
  readonly download: (
    input: DownloadFileInput,
    listed: ListedObject,
    acquireSlot: AcquireSlot
  ) => CosEffect<D>
}

const readUnchanged: ReadObjects<DownloadFileResult> = {
  ...findUnchanged,
  download: downloadUnchanged
}

/** An object and its path below the root directory. */
interface LocalTarget<D> {
  readonly read: ReadObjects<D>
  readonly input: DownloadDirectoryInput
  readonly context: Context
  readonly root: string
  readonly object: ListedObject
  readonly segments: ReadonlyArray<string>
  /** Locks the target of an object that is fetched by one request. */
  readonly acquireSlot: AcquireSlot
}

type Step<D> = TE.TaskEither<CosError, DownloadDirectoryResult<D>>

const unsafe = (key: string, reason: string): DownloadDirectoryResult<never> => ({
  _tag: 'UnsafeKey',
  key,
  reason
})

const headFields = ['sse', 'referer'] as const
const pickForHead = In.pick(...headFields)
const pickForFile = In.pick(...headFields, 'trafficLimit', 'threshold', 'partSize')
const pickFind = In.pick('mayHaveSize', 'find')

/** Whether the file of an object exists and has its content. */
const isUpToDate = <D>({ read, input, context, object }: LocalTarget<D>, file: string): CosEffect<boolean> =>
  isPresent(
    {
      ...pickFind(read),
      context,
      object,
      head: { bucket: input.bucket, key: object.key, ...pickForHead(input) },
      skip: input.skip ?? directoryDefaults.skip
    },
    file
  )

// -- one object --
const reasons = {
  EISDIR: 'a folder exists at its path',
  ENOTFILE: 'a pipe, socket or device exists at its path'
} as const
const isKnown = (code: string): code is keyof typeof reasons => code in reasons

const fetchObject = <D>(target: LocalTarget<D>, file: string, client: Client): Step<D> => {
  const { read, input, object, segments, acquireSlot } = target
  const { key } = object
  const path = segments.join('/')
  const download = read.download(
    {
      ...pickForFile(input),
      ...(input.partConcurrency === undefined ? {} : { concurrency: input.partConcurrency }),
      ...withoutEnd(input),
      durable: input.durable ?? false,
      bucket: input.bucket,
      key,
      file
    },
    object,
    acquireSlot
  )(client)
  return async () => {
    const present = await isUpToDate(target, file)(client)()
    if (E.isLeft(present)) return present
    if (present.right) {
      input.progress?.report({ _tag: 'PartSkipped', size: object.size })
      await removeStaleSlot(target.context, file, AbortSignal.any([...client.signals]))
      return E.right({ _tag: 'Skipped', key, path, size: object.size })
    }
    const downloaded = await download()
    if (E.isRight(downloaded)) return E.right({ _tag: 'Downloaded', key, path, downloaded: downloaded.right })
    const error = downloaded.left
    return error._tag === 'FileError' && isKnown(error.code)
      ? E.right(unsafe(key, reasons[error.code]))
      : E.left(error)
  }
}

/** Creates and checks the folders on the path of a file, or of a folder and the folder itself. */
const createFolders = <D>(
  { context, root, segments }: LocalTarget<D>,
  isFolder: boolean
): TE.TaskEither<CosError, ParentCheck> =>
  tryTask(
    () => ensureParent(root, isFolder ? segments : segments.slice(0, -1)),
    fileError(context, join(displayPath(root), ...segments))
  )

const saveObject = <D>(target: LocalTarget<D>, client: Client): Step<D> => {
  const { read, object, segments } = target
  const { key, size } = object
  const isFolder = key.endsWith('/')
  if (isFolder && size > 0 && !read.mayHaveSize(size, 0))
    return TE.right(unsafe(key, 'the key of a folder, but the object has bytes'))
  return async () => {
    const created = await createFolders(target, isFolder)()
    if (E.isLeft(created)) return created
    const parent = created.right
    if (parent._tag === 'Blocked')
      return E.right(unsafe(key, `${parent.by} exists at the path of its folder`))
    const { folder, release } = parent
    try {
      return await (isFolder
        ? TE.right<CosError, DownloadDirectoryResult<D>>({
            _tag: 'Folder',
            key,
            path: `${segments.join('/')}/`
          })()
        : fetchObject(target, join(folder, segments.at(-1) ?? ''), client)())
    } finally {
      await release()
    }
  }
}

// -- keys --
/** Whether a path, or a folder on it, is the same file or folder as that of an earlier key with another spelling. */
type IsDuplicate = (segments: ReadonlyArray<string>) => boolean

const duplicateCheck = ({ naming }: RootDirectory): IsDuplicate => {
  if (!naming.foldsCase) return () => false
  const seen = new Map<string, string>()
  return (segments) =>
    // Folders too: `A/x` and `a/y` would share a folder.
    segments.some((_, index) => {
      const path = segments.slice(0, index + 1).join('/')
      const id = identityOf(path, naming)
      const first = seen.get(id) ?? path
      seen.set(id, first)
      return first !== path
    })
}

// Case folding also maps the long s (U+017F) to `s`.
const isReserved = (name: string): boolean => isLockDirectoryName(identityOf(name, { foldsCase: true }))

type CheckedEntry<D> = E.Either<DownloadDirectoryResult<D>, LocalTarget<D>>

/** The local target of each object, or why it has none. Called in key order, so that the first of two duplicates is stable. */
const checkEntry =
  <D>(
    shared: Pick<LocalTarget<D>, 'read' | 'input' | 'context' | 'acquireSlot'>,
    directory: RootDirectory,
    isDuplicate: IsDuplicate
  ) =>
  (object: ListedObject): CheckedEntry<D> => {
    const { key } = object
    const prefix = folderPrefix(shared.input)
    // The directory itself.
    if (key === prefix) return E.left({ _tag: 'Folder', key, path: '' })
    return pipe(
      toSegments(key.slice(prefix.length), directory.naming),
      E.filterOrElse(
        (segments) => !segments.some(isReserved),
        () => 'a name reserved for incomplete downloads'
      ),
      E.filterOrElse(
        (segments) => !isDuplicate(segments),
        () => 'another key differs only in case'
      ),
      E.bimap(
        (reason) => unsafe(key, reason),
        (segments) => ({ ...shared, root: directory.root, object, segments })
      )
    )
  }

const resultOf = async <D>(entry: CheckedEntry<D>, client: Client): Promise<DownloadDirectoryResult<D>> => {
  if (E.isLeft(entry)) return entry.left
  const { object, segments } = entry.right
  const result = await saveObject(entry.right, client)()
  return E.isRight(result)
    ? result.right
    : { _tag: 'Failed', key: object.key, path: segments.join('/'), error: result.left }
}

/** One reading of the stream. It keeps the root directory open until the last object is done, after the listing has ended. */
interface Run {
  readonly hold: (root: string) => void
  readonly end: () => void
}

const createRun = (): Run => {
  let isOver = false
  let release = (): Promise<void> => Promise.resolve()
  return {
    hold: (root) => {
      if (!isOver && isHeld(root)) release = holdDirectory(root)
    },
    end: () => {
      isOver = true
      void release()
    }
  }
}

/**
 * Downloads the objects of a prefix into a directory and yields a result for each when it is done.
 *
 * No key can write outside the directory. These keys yield `UnsafeKey`: keys with a `.` or `..` segment, an empty segment, a NUL,
 * or a backslash before or after `..`; on Windows also keys with any backslash, a drive letter or a reserved name; keys
 * whose folder is a symbolic link or a file; in a directory that does not distinguish `a` from `A`, the second of two such
 * keys. On Linux each folder is opened once and used by its handle, so a local program that replaces a folder by a link
 * during the run redirects nothing. Elsewhere folders are checked by path, and such a program can redirect a file.
 *
 * Each file is verified and replaced atomically, as by `downloadFile`. Files that already exist are skipped.
 *
 * @shape  `DownloadDirectoryInput -> EffectStream<DownloadDirectoryResult>`, in the order of completion
 * @units  below 1 MiB for each of `concurrency x partConcurrency` ranges; if `a` and `A` name one file, also all keys
 * @errors with `onError: 'continue'`, the failure of an object is a result. With `'stop'`, the stream fails with the first one,
 *         after the objects in progress are done and reported. Also a `CosException` with an error of the listing, with
 *         `FileError` if the directory cannot be created, and with `InvalidInput`
 * @example for await (const entry of downloadDirectory({ bucket, prefix: 'site/', directory: 'in' })(client)) log(entry)
 */
export const downloadDirectory = (input: DownloadDirectoryInput): EffectStream<DownloadDirectoryResult> =>
  downloadDirectoryAs(readUnchanged)(input)

/** `downloadDirectory` of objects that are read by `read`. */
export const downloadDirectoryAs =
  <D>(read: ReadObjects<D>) =>
  (input: DownloadDirectoryInput): EffectStream<DownloadDirectoryResult<D>> => {
    const context = contextOf(action, input)
    const validated = validate(action, Input)(input)
    if (E.isLeft(validated)) return failedStream(new CosException(validated.left))
    return makeForEachRun(() => downloadAll(read, context, joinProgress(validated.right), createRun()))
  }

const downloadAll = <D>(
  read: ReadObjects<D>,
  context: Context,
  valid: DownloadDirectoryInput,
  run: Run
): EffectStream<DownloadDirectoryResult<D>> => {
  const { bucket } = valid
  const prefix = folderPrefix(valid)
  const objects = async function* (
    client: Client
  ): AsyncGenerator<ReadonlyArray<CheckedEntry<D>>, void, undefined> {
    const matches = await matchesFile(valid)
    const isWanted = ({ key }: ListedObject): boolean =>
      key === prefix || matches(key.slice(prefix.length).replace(/\/$/, ''))
    const path = resolve(valid.directory)
    const directory = await withFileErrors(context, path)(() => openRootDirectory(path, valid))
    run.hold(directory.root)
    const tempDirectory = sharedTempDirectory(directory.root)
    const shared = { read, input: valid, context, acquireSlot: tempDirectory.acquire }
    const check = checkEntry(shared, directory, duplicateCheck(directory))
    try {
      const batches = streamObjectBatches({ bucket, prefix, ...In.pick('referer')(valid) })(client)
      for await (const objects of batches) yield objects.filter(isWanted).map(check)
    } finally {
      await tempDirectory.close()
      await directory.release()
    }
  }
  return runEach<CheckedEntry<D>, DownloadDirectoryResult<D>>(context, {
    concurrency: valid.concurrency ?? directoryDefaults.concurrency,
    onError: valid.onError ?? directoryDefaults.onError,
    items: objects,
    work: async (each, client) => [await resultOf(each, client)],
    failureOf: (result) => (result._tag === 'Failed' ? O.some(result.error) : O.none),
    onEnd: () => {
      valid.progress?.end()
      run.end()
    }
  })
}
