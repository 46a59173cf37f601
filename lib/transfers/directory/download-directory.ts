/** A prefix becomes a folder: its objects one by one, several at once, and none outside of it. */
import { lstat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { CosException, fileError, type Context, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import { contextOf, validate } from '../../core/operation.js'
import { bucketRef, type BucketRef } from '../../core/request.js'
import { identityOf, toSegments } from '../../files/safe-path.js'
import type { Client } from '../../client/client.js'
import { scoped } from '../../client/scope.js'
import { send } from '../../client/send.js'
import { headObject } from '../../operations/head-object.js'
import { withCustomerKey, type WithCustomerKey } from '../../operations/parameters/encryption.js'
import { withReferer, type WithReferer } from '../../operations/parameters/referer.js'
import { trafficLimit, type TrafficLimit } from '../../operations/parameters/storage.js'
import { directoryDefaults, directoryOptions, type DirectoryOptions } from './options.js'
import { downloadListed, type DownloadFileResult } from '../download/download-file.js'
import { withFileErrors } from '../../files/atomic-file.js'
import { globFilter, matchesFile } from './glob-filter.js'
import {
  openRootDirectory,
  ensureParent,
  type RootDirectory,
  type ParentCheck
} from '../../files/safe-directory.js'
import { sharedTempDirectory } from '../../files/shared-temp-directory.js'
import { withoutEnd } from '../shared/progress.js'
import { hashOf, openSource, readStretch } from '../../files/source-file.js'
import { streamObjects, type ListedObject } from '../list/stream-objects.js'
import { failedStream, type EffectStream } from '../shared/effect-stream.js'
import { runEach } from '../shared/run-each.js'
import { clearAfter, isReservedName, type AcquireSlot } from '../../files/download-lock.js'

export interface DownloadDirectoryInput
  extends BucketRef, WithCustomerKey, TrafficLimit, WithReferer, DirectoryOptions {
  /** In bytes: an object of up to so many comes in one request; 20 MiB unless said. */
  readonly threshold?: number
  /** In bytes, of one range of a larger one; 20 MiB unless said. */
  readonly partSize?: number
  /** Ranges of one object fetched at once; 5 unless said. */
  readonly partConcurrency?: number
  /**
   * Waits until the disk has each file. False unless said: a file that a power failure spoils is found by its CRC64 when
   * the same is run again.
   */
  readonly durable?: boolean
  /** Whether `a` and `A` are one file in the folder; found out by trying unless said. */
  readonly caseInsensitive?: boolean
}

const Input = In.struct<DownloadDirectoryInput>('DownloadDirectoryInput', {
  ...bucketRef,
  ...withCustomerKey,
  ...trafficLimit,
  ...withReferer,
  ...globFilter,
  ...directoryOptions,
  threshold: In.optional(In.integer(0)),
  partSize: In.optional(In.integer(1)),
  partConcurrency: In.optional(In.integer(1, 1000)),
  durable: In.optional(In.boolean),
  caseInsensitive: In.optional(In.boolean)
})

/** `path` is relative to the folder, with `/` between segments on every system; that of a folder ends in one. */
export type DownloadDirectoryResult =
  | {
      readonly _tag: 'Downloaded'
      readonly key: string
      readonly path: string
      readonly downloaded: DownloadFileResult
    }
  /** The file was there already; see `skip`. */
  | { readonly _tag: 'Skipped'; readonly key: string; readonly path: string; readonly size: number }
  /** Of a key that ends in a slash. */
  | { readonly _tag: 'Folder'; readonly key: string; readonly path: string }
  /** The key can be no file below the folder, or none besides another's. Nothing was written. */
  | { readonly _tag: 'UnsafeKey'; readonly key: string; readonly reason: string }
  | { readonly _tag: 'Failed'; readonly key: string; readonly path: string; readonly error: CosError }

const action = 'downloadDirectory'

/** An object that has a path. */
interface LocalTarget {
  readonly input: DownloadDirectoryInput
  readonly context: Context
  readonly root: string
  readonly object: ListedObject
  readonly segments: ReadonlyArray<string>
  /** Where its bytes are gathered, if they are few. */
  readonly going: AcquireSlot
}

type Step = TE.TaskEither<CosError, DownloadDirectoryResult>

const unsafe = (key: string, reason: string): DownloadDirectoryResult => ({ _tag: 'UnsafeKey', key, reason })

const requested = ['sse', 'referer'] as const
const toResult = [...requested, 'trafficLimit', 'threshold', 'partSize', 'partConcurrency'] as const

// -- what is there already --
/** Whether a file has COS's checksum. One that can not be read has none; what is wrong with it, replacing it will say. */
const isSame = (
  { input, context, object: { key, size } }: LocalTarget,
  file: string,
  client: Client
): TE.TaskEither<CosError, boolean> =>
  pipe(
    send(headObject({ bucket: input.bucket, key, ...In.pick(...requested)(input) }))(client),
    TE.chain(({ crc64, size: theirs }) => async () => {
      if (O.isNone(crc64) || theirs !== size) return E.right(false)
      const opened = await openSource(context, file)()
      if (E.isLeft(opened)) return E.right(false)
      const source = opened.right
      try {
        // In a scope, for nobody waits for a large file to be read who has left.
        const ours = await scoped(client, context, () => hashOf(source, readStretch(source, 0, size))())
        if (E.isLeft(ours)) return ours.left._tag === 'FileError' ? E.right(false) : ours
        return E.right(source.stats.size === size && ours.right.crc64 === crc64.value)
      } finally {
        // Reads that were under way end with the handle.
        await source.handle.close()
      }
    })
  )

const isPresent = (landing: LocalTarget, file: string, client: Client): TE.TaskEither<CosError, boolean> => {
  const { skip = directoryDefaults.skip } = landing.input
  const { size, lastModified } = landing.object
  return async () => {
    const local = skip === 'never' ? undefined : await lstat(file).catch(() => undefined)
    if (local?.isFile() !== true || local.size !== size) return E.right(false)
    return skip === 'time'
      ? E.right(local.mtimeMs >= lastModified.getTime())
      : isSame(landing, file, client)()
  }
}

// -- one object --
const fetchObject = (landing: LocalTarget, file: string, client: Client): Step => {
  const { input, object, segments, going } = landing
  const { key } = object
  const path = segments.join('/')
  const fresh = pipe(
    downloadListed(
      {
        ...In.pick(...toResult)(input),
        ...withoutEnd(input),
        durable: input.durable ?? false,
        bucket: input.bucket,
        key,
        file
      },
      object,
      going
    )(client),
    TE.map((downloaded): DownloadDirectoryResult => ({ _tag: 'Downloaded', key, path, downloaded })),
    TE.orElse((error) =>
      error._tag === 'FileError' && error.code === 'EISDIR'
        ? TE.right(unsafe(key, 'a folder has its name'))
        : TE.left(error)
    )
  )
  return pipe(
    isPresent(landing, file, client),
    TE.chain((there): Step => {
      if (!there) return fresh
      input.progress?.tell({ _tag: 'PartSkipped', size: object.size })
      return pipe(
        TE.fromTask(() => clearAfter(landing.context, file, AbortSignal.any([...client.signals]))),
        TE.map(() => ({ _tag: 'Skipped', key, path, size: object.size }))
      )
    })
  )
}

/** Goes the whole way to where the object's file or folder is to be. */
const localTargetOf = (
  { context, root, segments }: LocalTarget,
  isFolder: boolean
): TE.TaskEither<CosError, ParentCheck> =>
  TE.tryCatch(
    () => ensureParent(root, isFolder ? segments : segments.slice(0, -1)),
    fileError(context, join(root, ...segments))
  )

const finish = (landing: LocalTarget, client: Client): Step => {
  const { object, segments } = landing
  const { key, size } = object
  const isFolder = key.endsWith('/')
  if (isFolder && size > 0) return TE.right(unsafe(key, 'a folder that has bytes'))
  return pipe(
    localTargetOf(landing, isFolder),
    TE.chain((way): Step => {
      if (way._tag === 'Blocked') return TE.right(unsafe(key, `${way.by} is where its folder would be`))
      return isFolder
        ? TE.right({ _tag: 'Folder', key, path: `${segments.join('/')}/` })
        : fetchObject(landing, join(way.folder, segments.at(-1) ?? ''), client)
    })
  )
}

// -- keys --
/** Whether a path, or a folder on its way, is one with another that came before, where two names may be one. */
type IsTwin = (segments: ReadonlyArray<string>) => boolean

const twinsOf = ({ naming }: RootDirectory): IsTwin => {
  if (!naming.foldsCase) return () => false
  const seen = new Map<string, string>()
  return (segments) =>
    // Folders as well: `A/x` and `a/y` would share one.
    segments.some((_, at) => {
      const upTo = segments.slice(0, at + 1).join('/')
      const id = identityOf(upTo, naming)
      const before = seen.get(id) ?? upTo
      seen.set(id, before)
      return before !== upTo
    })
}

// Where `s` and its long form are one letter, so are the names that have them.
const isOurs = (name: string): boolean => isReservedName(identityOf(name, { foldsCase: true }))

type CheckedEntry = E.Either<DownloadDirectoryResult, LocalTarget>

/** Says of each object where it goes, or why nowhere. In the order of the keys, so that the first of twins is the same each time. */
const checkEntry =
  (input: DownloadDirectoryInput, context: Context, footing: RootDirectory, going: AcquireSlot) =>
  (isTwin: IsTwin) =>
  (object: ListedObject): CheckedEntry => {
    const { key } = object
    const { prefix = '' } = input
    // The folder itself.
    if (key === prefix && key.endsWith('/')) return E.left({ _tag: 'Folder', key, path: '' })
    return pipe(
      toSegments(key.slice(prefix.length), footing.naming),
      E.filterOrElse(
        (segments) => !segments.some(isOurs),
        () => 'a name that unfinished downloads have'
      ),
      E.filterOrElse(
        (segments) => !isTwin(segments),
        () => 'another key differs from it in case alone'
      ),
      E.bimap(
        (reason) => unsafe(key, reason),
        (segments) => ({ input, context, root: footing.root, object, segments, going })
      )
    )
  }

const entryOf = async (judged: CheckedEntry, client: Client): Promise<DownloadDirectoryResult> => {
  if (E.isLeft(judged)) return judged.left
  const { object, segments } = judged.right
  const entry = await finish(judged.right, client)()
  return E.isRight(entry)
    ? entry.right
    : { _tag: 'Failed', key: object.key, path: segments.join('/'), error: entry.left }
}

/**
 * Downloads the objects of a prefix into a folder, and tells of each as it is done.
 *
 * Whatever a key says, nothing is written outside of the folder: keys with `..`, a drive letter, a backslash, a NUL or an
 * empty segment, keys that a link or a file is in the way of, and on a folder that does not tell `a` from `A` the second
 * of two twins, are an `UnsafeKey` each. (Node has no way to hold on to a folder: who may write there, and puts a link in
 * the place of one while a file is fetched into it, is not kept from it.) Every file is replaced as `downloadFile` does
 * it, at once and verified. What is there already is not fetched again.
 *
 * @shape  `DownloadDirectoryInput -> Streaming<DownloadedEntry>`, in the order in which they are done
 * @units  below 1 MiB for each of `concurrency x partConcurrency` ranges; where `a` and `A` are one file, all keys' names
 * @errors with the policy `continue` an object's failure is an entry; with `stop` the stream fails with the first, once
 *         what was under way is done and told; `CosException` of those of the listing, of `FileError` where the folder can
 *         not be made, of `InvalidInput`
 * @example for await (const entry of downloadDirectory({ bucket, prefix: 'site/', directory: 'in' })(client)) log(entry)
 */
export const downloadDirectory = (input: DownloadDirectoryInput): EffectStream<DownloadDirectoryResult> => {
  const context = contextOf(action, input)
  const judged = validate(action, Input)(input)
  if (E.isLeft(judged)) return failedStream(new CosException(judged.left))
  const valid = judged.right
  const { bucket, prefix = '' } = valid
  const passes = matchesFile(valid)
  const isWanted = ({ key }: ListedObject): boolean =>
    key === prefix || passes(key.slice(prefix.length).replace(/\/$/, ''))

  const objects = async function* (client: Client): AsyncGenerator<CheckedEntry, void, undefined> {
    const directory = resolve(valid.directory)
    const footing = await withFileErrors(context, directory)(() => openRootDirectory(directory, valid))
    const drafts = sharedTempDirectory(footing.root)
    const place = checkEntry(valid, context, footing, drafts.enter)(twinsOf(footing))
    try {
      for await (const object of streamObjects({ bucket, prefix, ...In.pick('referer')(valid) })(client)) {
        if (isWanted(object)) yield place(object)
      }
    } finally {
      await drafts.leave()
    }
  }
  return runEach<CheckedEntry, DownloadDirectoryResult>(context, {
    concurrency: valid.concurrency ?? directoryDefaults.concurrency,
    onError: valid.onError ?? directoryDefaults.policy,
    items: objects,
    work: async (each, client) => [await entryOf(each, client)],
    failureOf: (result) => (result._tag === 'Failed' ? O.some(result.error) : O.none),
    ended: () => valid.progress?.end()
  })
}
