/** A prefix becomes a folder: its objects one by one, several at once, and none outside of it. */
import { lstat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { CosFailure, fileError, type Context, type CosError } from '../core/error.js'
import * as In from '../core/input.js'
import { contextOf, judge } from '../core/operation.js'
import { bucketRef, type BucketRef } from '../core/request.js'
import { identityOf, toSegments } from '../core/safe-path.js'
import type { Scope } from '../effects/scope.js'
import { send } from '../effects/send.js'
import { headObject } from '../operations/head-object.js'
import { withCustomerKey, type WithCustomerKey } from '../operations/parameters/encryption.js'
import { requesting, type Requesting } from '../operations/parameters/requesting.js'
import { limited, type Limited } from '../operations/parameters/storing.js'
import { inParallel } from '../stages/in-parallel.js'
import { directoryOptions, type DirectoryOptions } from './directory-options.js'
import { downloadFile, type DownloadedFile, type DownloadFileInput } from './download-file.js'
import { filter, passing } from './filter.js'
import { findFooting, isBelow, makeWay, type Footing } from './footing.js'
import { unending } from './metering.js'
import { hashOf, openSource, stretchOf } from './source-file.js'
import { streamObjects, type ListedObject } from './stream-objects.js'
import { failingStream, streamIn, type Streaming } from './streaming.js'
import { FilePath } from './workplace.js'

export interface DownloadDirectoryInput
  extends BucketRef, WithCustomerKey, Limited, Requesting, DirectoryOptions {
  /** In bytes: an object of up to so many comes in one request; 20 MiB unless said. */
  readonly threshold?: number
  /** In bytes, of one range of a larger one; 20 MiB unless said. */
  readonly partSize?: number
  /** Ranges of one object fetched at once; 5 unless said. */
  readonly partsInFlight?: number
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
  ...limited,
  ...requesting,
  ...filter,
  ...directoryOptions,
  threshold: In.optional(In.integer(0)),
  partSize: In.optional(In.integer(1)),
  partsInFlight: In.optional(In.integer(1, 1000)),
  durable: In.optional(In.boolean),
  caseInsensitive: In.optional(In.boolean)
})

/** `path` is relative to the folder, with `/` between segments on every system. */
export type DownloadedEntry =
  | {
      readonly _tag: 'Downloaded'
      readonly key: string
      readonly path: string
      readonly downloaded: DownloadedFile
    }
  /** The file was there already; see `skip`. */
  | { readonly _tag: 'Skipped'; readonly key: string; readonly path: string; readonly size: number }
  /** Of a key that ends in a slash. */
  | { readonly _tag: 'Folder'; readonly key: string; readonly path: string }
  /** The key can be no file below the folder. Nothing was written. */
  | { readonly _tag: 'UnsafeKey'; readonly key: string; readonly why: string }
  | { readonly _tag: 'Failed'; readonly key: string; readonly path: string; readonly error: CosError }

const action = 'downloadDirectory'

interface Going {
  readonly scope: Scope
  readonly context: Context
  readonly input: DownloadDirectoryInput
  readonly footing: Footing
}

/** One object and where it goes. */
interface Landing {
  readonly object: ListedObject
  readonly segments: ReadonlyArray<string>
  readonly path: string
}

type Step = TE.TaskEither<CosError, DownloadedEntry>

const unsafe = (key: string, why: string): DownloadedEntry => ({ _tag: 'UnsafeKey', key, why })

const toFile = (
  { bucket, key }: { readonly bucket: string; readonly key: string },
  input: DownloadDirectoryInput,
  file: string
): DownloadFileInput => ({
  ...In.pick(
    'headers',
    'query',
    'sse',
    'trafficLimit',
    'referer',
    'threshold',
    'partSize',
    'partsInFlight'
  )(input),
  ...unending(input),
  durable: input.durable ?? false,
  bucket,
  key,
  file
})

// -- what is there already --
/** COS's checksum and the file's own. The sizes are the same. */
const isSame = (
  { scope, context, input }: Going,
  key: string,
  file: string
): TE.TaskEither<CosError, boolean> =>
  pipe(
    send(headObject({ bucket: input.bucket, key, ...In.pick('sse', 'referer')(input) }))(scope.client),
    TE.chain(({ crc64, size }) =>
      O.isNone(crc64)
        ? TE.right(false)
        : TE.bracket(
            openSource(context, file),
            (source) =>
              pipe(
                hashOf(source, stretchOf(source, 0, size)),
                TE.map((ours) => source.stats.size === size && ours.crc64 === crc64.value)
              ),
            (source) =>
              TE.tryCatch(
                () => source.handle.close(),
                (cause): CosError => fileError(context, file)(cause)
              )
          )
    )
  )

const isThere = (going: Going, { object }: Landing, file: string): TE.TaskEither<CosError, boolean> => {
  const skip = going.input.skip ?? 'crc64'
  if (skip === 'never') return TE.right(false)
  return pipe(
    TE.fromTask(() => lstat(file).catch(() => undefined)),
    TE.chain((local) => {
      if (local?.isFile() !== true || local.size !== object.size) return TE.right(false)
      return skip === 'time'
        ? TE.right(local.mtimeMs >= object.lastModified.getTime())
        : isSame(going, object.key, file)
    })
  )
}

// -- one object --
const fetched = (going: Going, landing: Landing, file: string): Step => {
  const { object, path } = landing
  const { key } = object
  return pipe(
    isThere(going, landing, file),
    TE.chain((there): Step => {
      if (there) return TE.right({ _tag: 'Skipped', key, path, size: object.size })
      return pipe(
        downloadFile(toFile({ bucket: going.input.bucket, key }, going.input, file))(going.scope.client),
        TE.map((downloaded): DownloadedEntry => ({ _tag: 'Downloaded', key, path, downloaded })),
        TE.orElse((error) =>
          // Another key has made a folder of this name.
          error._tag === 'FileError' && error.code === 'EISDIR'
            ? TE.right(unsafe(key, 'a folder has its name'))
            : TE.left(error)
        )
      )
    })
  )
}

const landed = (going: Going, landing: Landing): Step => {
  const { context, footing } = going
  const { object, segments, path } = landing
  const isFolder = object.key.endsWith('/')
  return pipe(
    TE.tryCatch(
      async () => {
        const way = await makeWay(footing.root, isFolder ? segments : segments.slice(0, -1))
        return way._tag === 'Clear' && !(await isBelow(footing.root, way.folder))
          ? { _tag: 'Blocked' as const, by: 'a link' }
          : way
      },
      (cause): CosError => fileError(context, join(footing.root, ...segments))(cause)
    ),
    TE.chain((way): Step => {
      if (way._tag === 'Blocked')
        return TE.right(unsafe(object.key, `${way.by} is where its folder would be`))
      if (isFolder) return TE.right({ _tag: 'Folder', key: object.key, path })
      const file = join(way.folder, segments.at(-1) ?? '')
      return FilePath.is(file)
        ? fetched(going, landing, file)
        : TE.right(unsafe(object.key, 'a name that is ours'))
    })
  )
}

/** Which keys came before, where two of them may be one file. */
type Twins = (path: string) => boolean

const twinsOf = ({ naming }: Footing): Twins => {
  if (!naming.foldsCase) return () => false
  const seen = new Map<string, string>()
  return (path) => {
    // Folders as well: `A/x` and `a/y` would share one.
    const whole = path.split('/')
    return whole.some((_, at) => {
      const upTo = whole.slice(0, at + 1).join('/')
      const id = identityOf(upTo, naming)
      const before = seen.get(id)
      if (before === undefined) seen.set(id, upTo)
      return before !== undefined && before !== upTo
    })
  }
}

const goingTo =
  (now: Going, isTwin: Twins) =>
  async (object: ListedObject, signal: AbortSignal): Promise<DownloadedEntry> => {
    const { key } = object
    const rest = key.slice((now.input.prefix ?? '').length)
    // The prefix itself, as a folder.
    if (rest === '') return { _tag: 'Folder', key, path: '' }
    const segments = toSegments(rest, now.footing.naming)
    if (E.isLeft(segments)) return unsafe(key, segments.left)
    const path = segments.right.join('/')
    if (isTwin(path)) return unsafe(key, 'another key differs from it in case alone')
    const here = { ...now, scope: { ...now.scope, client: { ...now.scope.client, signals: [signal] } } }
    const entry = await landed(here, { object, segments: segments.right, path })()
    if (E.isRight(entry)) return entry.right
    if (now.input.policy === 'stop' || signal.aborted) throw new CosFailure(entry.left)
    return { _tag: 'Failed', key, path, error: entry.left }
  }

/**
 * Downloads the objects of a prefix into a folder, and tells of each as it is done.
 *
 * Whatever a key says, nothing is written outside of the folder: keys with `..`, a drive letter, a backslash, a NUL or an
 * empty segment, keys that a link or a file is in the way of, and on a folder that does not tell `a` from `A` the second
 * of two twins, are an `UnsafeKey` each. Every file is replaced as `downloadFile` does it, at once and verified. What is
 * there already is not fetched again.
 *
 * @shape  `DownloadDirectoryInput -> Streaming<DownloadedEntry>`, in the order in which they are done
 * @units  below 1 MiB for each of `filesInFlight x partsInFlight` ranges
 * @errors with the policy `continue` an object's failure is an entry; with `stop`, and where the listing fails or the
 *         folder can not be made, the stream fails with a `CosFailure`; `InvalidInput`
 * @example for await (const entry of downloadDirectory({ bucket, prefix: 'site/', directory: 'in' })(client)) log(entry)
 */
export const downloadDirectory = (input: DownloadDirectoryInput): Streaming<DownloadedEntry> => {
  const context = contextOf(action, input)
  const judged = judge(action, Input)(input)
  if (E.isLeft(judged)) return failingStream(new CosFailure(judged.left))
  const valid = judged.right
  return streamIn(context, async function* (scope) {
    const directory = resolve(valid.directory)
    const footing = await findFooting(directory, In.pick('caseInsensitive')(valid)).catch(
      (thrown: unknown) => {
        throw new CosFailure(fileError(context, directory)(thrown))
      }
    )
    const passes = passing(valid)
    const prefix = valid.prefix ?? ''
    const wanted = async function* (): AsyncGenerator<ListedObject, void, undefined> {
      for await (const object of streamObjects({ bucket: valid.bucket, prefix })(scope.client)) {
        const path = object.key.slice(prefix.length).replace(/\/$/, '')
        if (path === '' || passes(path)) yield object
      }
    }
    const now: Going = { scope, context, input: valid, footing }
    try {
      yield* inParallel<ListedObject>({ concurrency: valid.filesInFlight ?? 5, stop: scope.stop })(
        goingTo(now, twinsOf(footing))
      )(wanted())
    } finally {
      valid.meter?.end()
    }
  })
}
