/** Uploads the files of a directory to a prefix, several in parallel. */
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { identity, pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { CosException, type Context, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import { contextOf, validate } from '../../core/operation.js'
import type { Client } from '../../client/client.js'
import { send } from '../../client/send.js'
import { putObject } from '../../operations/put-object.js'
import type { ObjectHead } from '../../operations/head-object.js'
import { directoryDefaults, directoryOptions, folderPrefix, type DirectoryOptions } from './options.js'
import { shouldReadDirectory, globFilter, matchesFile } from './glob-filter.js'
import { headIfExists } from '../shared/head-if-exists.js'
import { joinProgress, withoutEnd } from '../shared/progress.js'
import { failedStream, makeForEachRun, type EffectStream } from '../shared/effect-stream.js'
import { uploadFileWith, type UploadFileInput } from '../upload/upload-file.js'
import {
  checkPartSize,
  storedSize,
  wholeObject,
  type WithUploadEncryption
} from '../upload/upload-encryption.js'
import { headOptions } from '../multipart/complete-upload.js'
import { putInput, uploadDefaults, uploadOptions, type UploadOptions } from '../upload/options.js'
import type { UploadResult } from '../upload/upload-stream.js'
import { walk, type WalkEntry, type IgnoredReason } from '../../files/walk.js'
import { runEach } from '../shared/run-each.js'
import { isLockDirectoryName } from '../../files/download-lock.js'

/** All options of `uploadFile`, except `key` and `file`, apply to every file. */
export interface UploadDirectoryInput
  extends Omit<UploadOptions, 'key' | 'allowPathLikeKey' | 'concurrency'>, DirectoryOptions {
  /** `'skip'`: a symbolic link yields `Ignored`. `'follow'`: its target is uploaded. Default: `'skip'`. */
  readonly symlinks?: 'skip' | 'follow'
  /** Creates an object of 0 bytes with a key that ends in `/` for each empty folder. Default: true. */
  readonly emptyFolders?: boolean
  /** Bytes: a file up to this size is sent by one PUT, a larger one in parts. Default: 20 MiB. */
  readonly threshold?: number
  /** Directory for the checkpoints of files that are uploaded in parts, as in `uploadFile`. `false`: no checkpoints. */
  readonly checkpoint?: string | false
}

const { key: _key, allowPathLikeKey: _allow, ...sharedOptions } = uploadOptions

const Input = In.struct<UploadDirectoryInput>('UploadDirectoryInput', {
  ...sharedOptions,
  ...globFilter,
  ...directoryOptions,
  symlinks: In.optional(In.oneOf('skip', 'follow')),
  emptyFolders: In.optional(In.boolean),
  threshold: In.optional(In.bytes(0)),
  checkpoint: In.optional(In.directoryOrFalse)
})

/** `path` is relative to `directory`, with `/` between segments on every system. A folder's path ends in `/`. */
export type UploadDirectoryResult<A extends UploadResult = UploadResult> =
  | {
      readonly _tag: 'Uploaded'
      readonly path: string
      readonly key: string
      readonly uploaded: A
    }
  /** The object already exists: see `skip`. */
  | { readonly _tag: 'Skipped'; readonly path: string; readonly key: string; readonly size: number }
  /** An empty folder: created as an object with a key that ends in `/`. */
  | { readonly _tag: 'Folder'; readonly path: string; readonly key: string }
  | { readonly _tag: 'Ignored'; readonly path: string; readonly reason: IgnoredReason }
  /** If `path` is a folder, it could not be read, and its content is unknown. */
  | { readonly _tag: 'Failed'; readonly path: string; readonly key: string; readonly error: CosError }

const action = 'uploadDirectory'

/** The options for each file. */
const perFile = (input: UploadDirectoryInput): Omit<UploadFileInput, 'key' | 'file' | 'skipExisting'> => {
  const {
    directory,
    prefix,
    include,
    exclude,
    concurrency,
    partConcurrency,
    onError,
    skip,
    symlinks,
    emptyFolders,
    onProgress,
    ...rest
  } = input
  return { ...rest, ...In.defined({ concurrency: partConcurrency }), ...withoutEnd(input) }
}

/** What all files and folders of a run have in common. */
interface Run {
  readonly input: UploadDirectoryInput
  readonly root: string
  readonly prefix: string
  readonly fileOptions: ReturnType<typeof perFile>
  readonly uploadFile: ReturnType<typeof uploadFileWith>
  readonly encryption: WithUploadEncryption
}

/** A file or an empty folder, and its key. */
interface LocalSource {
  readonly run: Run
  readonly client: Client
  readonly path: string
  readonly key: string
}

type Step = TE.TaskEither<CosError, UploadDirectoryResult>

const existingObject = ({
  run: { input },
  client,
  key
}: LocalSource): TE.TaskEither<CosError, O.Option<ObjectHead>> =>
  headIfExists({ bucket: input.bucket, key, ...headOptions(input) })(client)

const skippedResult = ({ run, path, key }: LocalSource, size: number): UploadDirectoryResult => {
  run.input.progress?.report({ _tag: 'PartSkipped', size })
  return { _tag: 'Skipped', path, key, size }
}

/** Whether the object has the file's size, as it would be sent, and is not older. Without a date it is uploaded again. */
const isUpToDate = async (
  { encryption }: Run,
  file: string,
  { size, lastModified, headers }: ObjectHead
): Promise<boolean> => {
  // An error of the file system is reported by the upload that follows.
  const local = await stat(file).catch(() => undefined)
  if (local === undefined || size !== storedSize(encryption, wholeObject, local.size)) return false
  if (O.isSome(encryption) && !encryption.value.hasFormat(headers)) return false
  // COS stores whole seconds.
  const modified = Math.floor(local.mtimeMs / 1000) * 1000
  return O.exists((date: Date) => modified <= date.getTime())(lastModified)
}

const upload = (source: LocalSource): Step => {
  const { run, client, path, key } = source
  const { skip = directoryDefaults.skip } = run.input
  const file = join(run.root, path)
  const uploadFile = run.uploadFile({ key, file, skipExisting: skip === 'crc64', ...run.fileOptions })(client)
  const uploadNow: Step = async () => {
    const result = await uploadFile()
    if (E.isLeft(result)) return result
    const uploaded = result.right
    return E.right(
      uploaded.skipped ? skippedResult(source, uploaded.size) : { _tag: 'Uploaded', path, key, uploaded }
    )
  }
  if (skip !== 'time') return uploadNow
  return pipe(
    existingObject(source),
    TE.chain((found) => async () => {
      const isSame = O.isSome(found) && (await isUpToDate(run, file, found.value))
      return isSame ? E.right(skippedResult(source, found.value.size)) : uploadNow()
    })
  )
}

const createFolderObject = (source: LocalSource): Step => {
  const { run, client, path, key } = source
  const { input } = run
  // Options that describe content do not apply to a folder.
  const { contentType, contentEncoding, callback, callbackVar, picOperations, ...options } = input
  const put = pipe(
    send(putObject(putInput({ ...options, key }, { body: '' })))(client),
    TE.map((): UploadDirectoryResult => ({ _tag: 'Folder', path, key }))
  )
  return input.skip === 'never'
    ? put
    : pipe(
        existingObject(source),
        TE.chain((found) =>
          O.isSome(found) && found.value.size === 0 ? TE.right(skippedResult(source, 0)) : put
        )
      )
}

const resultOf =
  (run: Run) =>
  async (found: WalkEntry, client: Client): Promise<UploadDirectoryResult> => {
    if (found._tag === 'Ignored') return found
    const { path } = found
    const key = `${run.prefix}${path}`
    if (found._tag === 'Unreadable') return { _tag: 'Failed', path, key, error: found.error }
    const source = { run, client, path, key }
    const result = await (found._tag === 'File' ? upload(source) : createFolderObject(source))()
    return E.isRight(result) ? result.right : { _tag: 'Failed', path, key, error: result.left }
  }

/** What differs between plain and encrypted objects. */
export interface DirectoryUpload<R> {
  readonly encryption: WithUploadEncryption
  readonly toResult: (result: UploadDirectoryResult) => R
}

const uploadAll = <R extends UploadDirectoryResult>(
  context: Context,
  valid: UploadDirectoryInput,
  { encryption, toResult }: DirectoryUpload<R>
): EffectStream<R> => {
  const { symlinks = 'skip' } = valid
  const run: Run = {
    input: valid,
    root: resolve(valid.directory),
    prefix: folderPrefix(valid),
    fileOptions: perFile(valid),
    uploadFile: uploadFileWith(encryption, { isListed: symlinks === 'skip' }),
    encryption
  }
  const items = async function* (): AsyncGenerator<ReadonlyArray<WalkEntry>, void, undefined> {
    const matches = await matchesFile(valid)
    const all = walk({
      context,
      root: run.root,
      symlinks,
      shouldRead: await shouldReadDirectory(valid),
      isLockDirectory: isLockDirectoryName
    })
    const isWanted = ({ _tag, path }: WalkEntry): boolean =>
      (_tag !== 'EmptyFolder' || valid.emptyFolders !== false) && matches(path.replace(/\/$/, ''))
    for await (const entries of all) yield entries.filter(isWanted)
  }
  return runEach<WalkEntry, R>(context, {
    concurrency: valid.concurrency ?? directoryDefaults.concurrency,
    onError: valid.onError ?? directoryDefaults.onError,
    items,
    work: async (each, client) => [toResult(await resultOf(run)(each, client))],
    failureOf: (result) => (result._tag === 'Failed' ? O.some(result.error) : O.none),
    onEnd: () => valid.progress?.end()
  })
}

/** The same transfer for plain and for encrypted objects. */
export const uploadDirectoryWith =
  <R extends UploadDirectoryResult>(upload: DirectoryUpload<R>) =>
  (input: UploadDirectoryInput): EffectStream<R> => {
    const context = contextOf(action, input)
    const validated = pipe(
      validate(action, Input)(input),
      E.chainFirst(({ partSize = uploadDefaults.partSize }): E.Either<CosError, void> =>
        checkPartSize(upload.encryption, context, partSize)
      )
    )
    if (E.isLeft(validated)) return failedStream(new CosException(validated.left))
    return makeForEachRun(() => uploadAll(context, joinProgress(validated.right), upload))
  }

/**
 * Uploads the files below a directory and yields a result for each when it is done.
 *
 * Objects that already exist with the same size and CRC64 are skipped, and incomplete uploads of large files are resumed: run
 * it again after any failure. Files created during the run may or may not be uploaded.
 *
 * @shape  `UploadDirectoryInput -> EffectStream<UploadDirectoryResult>`, in the order of completion
 * @units  holds about 512 KiB for each of `concurrency x partConcurrency` parts, or of 64 with `concurrency: 'auto'`
 * @errors with `onError: 'continue'`, the failure of a file or folder is a result. With `'stop'`, the stream fails with the
 *         first one, after the files in progress are done and reported. Also a `CosException` with `FileError` if the
 *         directory itself cannot be read, and with `InvalidInput`
 * @example for await (const entry of uploadDirectory({ bucket, prefix: 'site/', directory: 'out' })(client)) log(entry)
 */
export const uploadDirectory: (input: UploadDirectoryInput) => EffectStream<UploadDirectoryResult> =
  uploadDirectoryWith({ encryption: O.none, toResult: identity })
