/** A folder becomes a prefix: its files one by one, several at once. */
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { CosException, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import { contextOf, validate } from '../../core/operation.js'
import type { Client } from '../../client/client.js'
import { send } from '../../client/send.js'
import { putObject } from '../../operations/put-object.js'
import type { ObjectHead } from '../../operations/head-object.js'
import { directoryDefaults, directoryOptions, type DirectoryOptions } from './options.js'
import { entersDirectory, globFilter, matchesFile } from './glob-filter.js'
import { headIfExists } from '../shared/head-if-exists.js'
import { withoutEnd } from '../shared/progress.js'
import { failedStream, type EffectStream } from '../shared/effect-stream.js'
import { uploadFile, type UploadFileInput } from '../upload/upload-file.js'
import { headOptions } from '../multipart/lifecycle.js'
import { putInput, uploadOptions, type UploadOptions } from '../upload/options.js'
import type { UploadResult } from '../upload/upload-stream.js'
import { walk, type WalkEntry, type SkippedEntry } from '../../files/walk.js'
import { runEach } from '../shared/run-each.js'
import { isReservedName } from '../../files/download-lock.js'

/** All of `uploadFile`'s parameters but key and file go to every file. */
export interface UploadDirectoryInput
  extends Omit<UploadOptions, 'key' | 'allowPathLikeKey'>, DirectoryOptions {
  /** `skip` unless said: links are passed over, and told. `follow`: what they lead to goes up in their place. */
  readonly symlinks?: 'skip' | 'follow'
  /** Folders with nothing in them become objects of no bytes, their keys ending in a slash; true unless said. */
  readonly emptyFolders?: boolean
  /** In bytes: a file of up to so many goes in one plain PUT; 20 MiB unless said. */
  readonly threshold?: number
}

const { key: _key, allowPathLikeKey: _allow, ...toAll } = uploadOptions

const Input = In.struct<UploadDirectoryInput>('UploadDirectoryInput', {
  ...toAll,
  ...globFilter,
  ...directoryOptions,
  symlinks: In.optional(In.oneOf('skip', 'follow')),
  emptyFolders: In.optional(In.boolean),
  threshold: In.optional(In.integer(0))
})

/** `path` is relative to the folder, with `/` between segments on every system; that of a folder ends in one. */
export type UploadDirectoryResult =
  | {
      readonly _tag: 'Uploaded'
      readonly path: string
      readonly key: string
      readonly uploaded: UploadResult
    }
  /** The object was there already; see `skip`. */
  | { readonly _tag: 'Skipped'; readonly path: string; readonly key: string; readonly size: number }
  /** An empty folder, now an object whose key ends in a slash. */
  | { readonly _tag: 'Folder'; readonly path: string; readonly key: string }
  | { readonly _tag: 'PassedOver'; readonly path: string; readonly reason: SkippedEntry }
  /** Of a folder: it could not be read, and what is in it is not known. */
  | { readonly _tag: 'Failed'; readonly path: string; readonly key: string; readonly error: CosError }

const action = 'uploadDirectory'

/** What goes to every file. */
const perFile = (input: UploadDirectoryInput): Omit<UploadFileInput, 'key' | 'file'> => {
  const {
    directory,
    prefix,
    include,
    exclude,
    concurrency,
    onError: policy,
    skip,
    symlinks: links,
    emptyFolders,
    ...rest
  } = input
  return { ...rest, ...withoutEnd(input) }
}

/** A file or an empty folder, and where it goes. */
interface LocalSource {
  readonly input: UploadDirectoryInput
  readonly client: Client
  readonly path: string
  readonly key: string
}

type Step = TE.TaskEither<CosError, UploadDirectoryResult>

const toLocalSource = ({ input, client, key }: LocalSource): TE.TaskEither<CosError, O.Option<ObjectHead>> =>
  headIfExists({ bucket: input.bucket, key, ...headOptions(input) })(client)

const checkExisting = ({ input, path, key }: LocalSource, size: number): UploadDirectoryResult => {
  input.progress?.tell({ _tag: 'PartSkipped', size })
  return { _tag: 'Skipped', path, key, size }
}

/** Of the file's size, and no older. */
const isUpToDate = async (file: string, { size, lastModified }: ObjectHead): Promise<boolean> => {
  // What the file system has to say about it, uploading it will say.
  const local = await stat(file).catch(() => undefined)
  // COS keeps whole seconds.
  const modified = Math.floor((local?.mtimeMs ?? 0) / 1000) * 1000
  return local?.size === size && modified <= lastModified.getTime()
}

const upload = (now: LocalSource): Step => {
  const { input, client, path, key } = now
  const { skip = directoryDefaults.skip } = input
  const file = join(resolve(input.directory), path)
  const fresh = pipe(
    uploadFile({ ...perFile(input), key, file, skipExisting: skip === 'crc64' })(client),
    TE.map((uploaded): UploadDirectoryResult =>
      uploaded.skipped ? checkExisting(now, uploaded.size) : { _tag: 'Uploaded', path, key, uploaded }
    )
  )
  if (skip !== 'time') return fresh
  return pipe(
    toLocalSource(now),
    TE.chain((found) => async () => {
      const same = O.isSome(found) && (await isUpToDate(file, found.value))
      return same ? E.right(checkExisting(now, found.value.size)) : fresh()
    })
  )
}

const mark = (now: LocalSource): Step => {
  const { input, client, path, key } = now
  // What is said of bytes makes no sense of a folder.
  const { contentType, contentEncoding, callback, callbackVar, picOperations, ...options } = input
  const put = pipe(
    send(putObject(putInput({ ...options, key }, '')))(client),
    TE.map((): UploadDirectoryResult => ({ _tag: 'Folder', path, key }))
  )
  return input.skip === 'never'
    ? put
    : pipe(
        toLocalSource(now),
        TE.chain((found) =>
          O.isSome(found) && found.value.size === 0 ? TE.right(checkExisting(now, 0)) : put
        )
      )
}

const entryOf =
  (input: UploadDirectoryInput) =>
  async (found: WalkEntry, client: Client): Promise<UploadDirectoryResult> => {
    if (found._tag === 'PassedOver') return found
    const { path } = found
    const key = `${input.prefix ?? ''}${path}`
    if (found._tag === 'Unreadable') return { _tag: 'Failed', path, key, error: found.error }
    const now = { input, client, path, key }
    const entry = await (found._tag === 'File' ? upload(now) : mark(now))()
    return E.isRight(entry) ? entry.right : { _tag: 'Failed', path, key, error: entry.left }
  }

/**
 * Uploads the files below a folder, and tells of each as it is done.
 *
 * What is there already, by size and CRC64, is not sent again, and large files go on where an earlier run was cut: run
 * it again after any failure. Files that come while it runs may or may not be found.
 *
 * @shape  `UploadDirectoryInput -> Streaming<UploadedEntry>`, in the order in which they are done
 * @units  holds some 512 KiB for each of `concurrency x partConcurrency` parts
 * @errors with the policy `continue` a failure, of a file or a folder, is an entry; with `stop` the stream fails with the
 *         first, once what was under way is done and told; a `CosException` of `FileError` where the folder itself can not
 *         be read; of `InvalidInput`
 * @example for await (const entry of uploadDirectory({ bucket, prefix: 'site/', directory: 'out' })(client)) log(entry)
 */
export const uploadDirectory = (input: UploadDirectoryInput): EffectStream<UploadDirectoryResult> => {
  const context = contextOf(action, input)
  const judged = validate(action, Input)(input)
  if (E.isLeft(judged)) return failedStream(new CosException(judged.left))
  const valid = judged.right
  const passes = matchesFile(valid)
  const found = async function* (): AsyncGenerator<WalkEntry, void, undefined> {
    const all = walk({
      context,
      root: resolve(valid.directory),
      symlinks: valid.symlinks ?? 'skip',
      enters: entersDirectory(valid),
      isDraft: isReservedName
    })
    for await (const each of all) {
      if (each._tag === 'EmptyFolder' && valid.emptyFolders === false) continue
      if (passes(each.path.replace(/\/$/, ''))) yield each
    }
  }
  const entry = entryOf(valid)
  return runEach<WalkEntry, UploadDirectoryResult>(context, {
    concurrency: valid.concurrency ?? directoryDefaults.concurrency,
    onError: valid.onError ?? directoryDefaults.policy,
    items: found,
    work: async (each, client) => [await entry(each, client)],
    failureOf: (result) => (result._tag === 'Failed' ? O.some(result.error) : O.none),
    ended: () => valid.progress?.end()
  })
}
