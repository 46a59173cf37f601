/** A folder becomes a prefix: its files one by one, several at once. */
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { CosFailure, type CosError } from '../core/error.js'
import * as In from '../core/input.js'
import { contextOf, judge } from '../core/operation.js'
import type { Scope } from '../effects/scope.js'
import { send } from '../effects/send.js'
import { headObject } from '../operations/head-object.js'
import { putObject } from '../operations/put-object.js'
import { inParallel } from '../stages/in-parallel.js'
import { directoryOptions, type DirectoryOptions } from './directory-options.js'
import { filter, passing } from './filter.js'
import { unending } from './metering.js'
import { failingStream, streamIn, type Streaming } from './streaming.js'
import { uploadFile, type UploadFileInput } from './upload-file.js'
import { toPut, uploadOptions, type UploadOptions } from './upload-options.js'
import type { Uploaded } from './upload-stream.js'
import { walk, type Found, type PassedOver } from './walk.js'

/** All of `uploadFile`'s parameters but key and file go to every file. */
export interface UploadDirectoryInput
  extends Omit<UploadOptions, 'key' | 'allowCollapsingKey'>, DirectoryOptions {
  /** `skip` unless said: links are passed over, and told. `follow`: what they lead to goes up in their place. */
  readonly links?: 'skip' | 'follow'
  /** Folders with nothing in them become objects of no bytes, their keys ending in a slash; true unless said. */
  readonly emptyFolders?: boolean
  /** In bytes: a file of up to so many goes in one plain PUT; 20 MiB unless said. */
  readonly threshold?: number
}

const { key: _key, allowCollapsingKey: _allow, ...toAll } = uploadOptions

const Input = In.struct<UploadDirectoryInput>('UploadDirectoryInput', {
  ...toAll,
  ...filter,
  ...directoryOptions,
  links: In.optional(In.oneOf('skip', 'follow')),
  emptyFolders: In.optional(In.boolean),
  threshold: In.optional(In.integer(0))
})

/** `path` is relative to the folder, with `/` between segments on every system. */
export type UploadedEntry =
  | { readonly _tag: 'Uploaded'; readonly path: string; readonly key: string; readonly uploaded: Uploaded }
  /** The object was there already; see `skip`. */
  | { readonly _tag: 'Skipped'; readonly path: string; readonly key: string; readonly size: number }
  /** An empty folder, now an object whose key ends in a slash. */
  | { readonly _tag: 'Folder'; readonly path: string; readonly key: string }
  | { readonly _tag: 'PassedOver'; readonly path: string; readonly why: PassedOver }
  | { readonly _tag: 'Failed'; readonly path: string; readonly key: string; readonly error: CosError }

const action = 'uploadDirectory'

/** What goes to every file. */
const perFile = (input: UploadDirectoryInput): Omit<UploadFileInput, 'key' | 'file'> => {
  const { directory, prefix, include, exclude, filesInFlight, policy, skip, links, emptyFolders, ...rest } =
    input
  return { ...rest, ...unending(input) }
}

interface Going {
  readonly scope: Scope
  readonly input: UploadDirectoryInput
  readonly root: string
}

/** Whether the object is as large as the file, and no older. */
const isNewer = (
  { scope, input }: Going,
  key: string,
  file: string
): TE.TaskEither<CosError, O.Option<number>> =>
  pipe(
    send(headObject({ bucket: input.bucket, key, ...(input.sse?.type === 'C' ? { sse: input.sse } : {}) }))(
      scope.client
    ),
    TE.map(O.some),
    TE.orElse((error) =>
      error._tag === 'ServiceError' && (error.status === 404 || error.status === 405)
        ? TE.right(O.none)
        : TE.left(error)
    ),
    TE.chain((head) => async () => {
      if (O.isNone(head)) return E.right(O.none)
      // What the file system has to say about it, uploading it will say.
      const local = await stat(file).catch(() => undefined)
      const same =
        local !== undefined &&
        local.size === head.value.size &&
        // COS keeps whole seconds.
        Math.floor(local.mtimeMs / 1000) * 1000 <= head.value.lastModified.getTime()
      return E.right(same ? O.some(head.value.size) : O.none)
    })
  )

const upload = (going: Going, path: string, key: string): TE.TaskEither<CosError, UploadedEntry> => {
  const { scope, input, root } = going
  const file = join(root, path)
  const skip = input.skip ?? 'crc64'
  const fresh = pipe(
    uploadFile({
      ...perFile(input),
      key,
      file,
      skipExisting: skip === 'crc64'
    })(scope.client),
    TE.map((uploaded): UploadedEntry =>
      uploaded.skipped
        ? { _tag: 'Skipped', path, key, size: uploaded.size }
        : { _tag: 'Uploaded', path, key, uploaded }
    )
  )
  if (skip !== 'time') return fresh
  return pipe(
    isNewer(going, key, file),
    TE.chain(
      O.match(
        () => fresh,
        (size) => TE.right<CosError, UploadedEntry>({ _tag: 'Skipped', path, key, size })
      )
    )
  )
}

const mark = ({ scope, input }: Going, path: string, key: string): TE.TaskEither<CosError, UploadedEntry> =>
  pipe(
    send(putObject(toPut({ ...In.pick('acl', 'storageClass')(input), bucket: input.bucket, key }, '')))(
      scope.client
    ),
    TE.map((): UploadedEntry => ({ _tag: 'Folder', path, key }))
  )

const going =
  (now: Going) =>
  async (found: Found, signal: AbortSignal): Promise<UploadedEntry> => {
    if (found._tag === 'PassedOver') return found
    const { path } = found
    const key = `${now.input.prefix ?? ''}${path}`
    const here = { ...now, scope: { ...now.scope, client: { ...now.scope.client, signals: [signal] } } }
    const entry = await (found._tag === 'File' ? upload(here, path, key) : mark(here, path, key))()
    if (E.isRight(entry)) return entry.right
    if (now.input.policy === 'stop' || signal.aborted) throw new CosFailure(entry.left)
    return { _tag: 'Failed', path, key, error: entry.left }
  }

/**
 * Uploads the files below a folder, and tells of each as it is done.
 *
 * What is there already, by size and CRC64, is not sent again, and large files go on where an earlier run was cut: run
 * it again after any failure. The folder may be the source of its own growth: files that come while it runs may or may
 * not be found.
 *
 * @shape  `UploadDirectoryInput -> Streaming<UploadedEntry>`, in the order in which they are done
 * @units  holds some 512 KiB for each of `filesInFlight x partsInFlight` parts
 * @errors with the policy `continue` a file's failure is an entry; with `stop`, and where a folder can not be read, the
 *         stream fails with a `CosFailure`; `InvalidInput`
 * @example for await (const entry of uploadDirectory({ bucket, prefix: 'site/', directory: 'out' })(client)) log(entry)
 */
export const uploadDirectory = (input: UploadDirectoryInput): Streaming<UploadedEntry> => {
  const context = contextOf(action, input)
  const judged = judge(action, Input)(input)
  if (E.isLeft(judged)) return failingStream(new CosFailure(judged.left))
  const valid = judged.right
  return streamIn(context, async function* (scope) {
    const root = resolve(valid.directory)
    const passes = passing(valid)
    const found = walk({ context, root, links: valid.links ?? 'skip', enters: () => true })
    const wanted = async function* (): AsyncGenerator<Found, void, undefined> {
      for await (const each of found) {
        if (each._tag === 'EmptyFolder' && valid.emptyFolders === false) continue
        if (passes(each.path.replace(/\/$/, ''))) yield each
      }
    }
    try {
      yield* inParallel<Found>({ concurrency: valid.filesInFlight ?? 5, stop: scope.stop })(
        going({ scope, input: valid, root })
      )(wanted())
    } finally {
      valid.meter?.end()
    }
  })
}
