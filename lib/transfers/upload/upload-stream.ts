/** Uploads bytes of any length: bytes -> encryptSource -> cutParts -> hashParts -> sendParts -> completed. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { invalidInput, type Context, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import { contextOf, validate } from '../../core/operation.js'
import type { Client } from '../../client/client.js'
import type { CosEffect } from '../../client/send.js'
import { putObject } from '../../operations/put-object.js'
import { uploadPart } from '../../operations/upload-part.js'
import { withSource } from '../../stages/claim-source.js'
import { cutParts } from '../../stages/cut-parts.js'
import { hashParts, type HashedPart } from '../../stages/hash-parts.js'
import { createMemoryBudget, inBlocks, type MemoryBudget } from '../../stages/memory-budget.js'
import { ofOneSize, forSize, forStream, type PartSizes } from '../../stages/part-size.js'
import { sendParts } from '../../stages/send-parts.js'
import { withSourceErrors } from '../../stages/source-errors.js'
import { withProgress, type WithProgress } from '../shared/progress.js'
import { runTransfer, type Transfer } from '../shared/run-transfer.js'
import { mostInMemory, requestsInFlight } from '../shared/concurrency.js'
import { sendPart } from '../shared/send-part.js'
import { cleanUpFailed } from '../multipart/clean-up.js'
import { createUpload, type CreatedUpload } from '../multipart/create-upload.js'
import { matchesPart, Resume, findResumable, type ResumableUpload } from '../multipart/find-resumable.js'
import { encryptSource } from './encrypt-source.js'
import {
  uploadDefaults,
  uploadCreateInput,
  partInput,
  putInput,
  uploadOptions,
  type BodyOptions,
  type UploadOptions
} from './options.js'
import { completeParts, putResultOf, type HashedPartSent, type UploadResult } from './result.js'
import {
  createCipher,
  storedSize,
  wholeObject,
  withMetadata,
  type WithUploadEncryption
} from './upload-encryption.js'

export type { UploadResult } from './result.js'

export interface UploadStreamInput extends UploadOptions, WithProgress {
  /**
   * Parts in flight, 1 to 1,000. The upload holds that many parts and one more in memory. `'auto'`: as many as the service
   * and the link take, at most 64, and at most 256 MiB with that one more, or two parts. Default: 4.
   */
  readonly concurrency?: number | 'auto'
  /** In bytes, if it is known; a source of another length fails. */
  readonly length?: number
  /** In bytes: up to this size, one PUT. At most one part. Default: one part. */
  readonly threshold?: number
  /**
   * For a source that yields the same bytes again: parts that an earlier run left on COS, and that match the source, are
   * not sent again. Give the same `partSize`, or no part will match. Default: `'never'`.
   */
  readonly resume?: Resume
}

const Input = In.struct<UploadStreamInput>('UploadStreamInput', {
  ...uploadOptions,
  ...withProgress,
  resume: In.optional(Resume),
  length: In.optional(In.bytes(0)),
  threshold: In.optional(In.bytes(0))
})

const action = 'uploadStream'

/** The sizes of the parts, and the memory budget that holds them. */
interface Plan {
  readonly sizes: PartSizes
  readonly budget: MemoryBudget
}

const planSizes = (
  client: Client,
  context: Context,
  { partSize = uploadDefaults.partSize, concurrency = uploadDefaults.concurrency }: UploadStreamInput,
  length: number | undefined
): E.Either<CosError, Plan> =>
  pipe(
    length === undefined
      ? forStream({
          partSize,
          ...pipe(
            client.memory,
            O.match(
              () => ({}),
              ({ largest }) => ({ maxPartSize: largest })
            )
          )
        })
      : E.map(ofOneSize)(forSize({ size: length, partSize })),
    E.bimap(
      (problem): CosError =>
        invalidInput(context, { ...problem, field: problem.field === 'size' ? 'length' : problem.field }),
      (sizes) => ({
        sizes,
        budget: pipe(
          client.memory,
          // A ceiling for this upload: the parts in flight and one being filled, at the largest size they grow to.
          O.getOrElse(() =>
            createMemoryBudget({
              runtime: client.runtime,
              limit:
                (mostInMemory(concurrency, partSize, 1) + 1) *
                inBlocks(Math.max(...sizes.map(({ size }) => size)))
            })
          )
        )
      })
    )
  )

const bodyOptions = ({ chunks, crc64, md5 }: HashedPart): BodyOptions => ({
  body: { chunks, crc64 },
  ...(O.isSome(md5) ? { contentMd5: md5.value } : {})
})

const putInOneRequest = async (
  transfer: Transfer<UploadStreamInput>,
  part: HashedPart
): Promise<E.Either<CosError, UploadResult>> => {
  const { scope, input } = transfer
  const put = sendPart(transfer, 'up')((whole: HashedPart) => putObject(putInput(input, bodyOptions(whole))))
  try {
    return await pipe(put(part, scope.controller.signal), TE.map(putResultOf(input, part.size)))()
  } finally {
    part.release()
  }
}

/** Yields an item that was already read, and then the others. */
async function* prepend<A>(
  first: A,
  rest: AsyncGenerator<A, void, undefined>
): AsyncGenerator<A, void, undefined> {
  try {
    yield first
    yield* rest
  } finally {
    await rest.return()
  }
}

interface PartResponse {
  readonly etag: string
  readonly crc64: bigint
  readonly isResumed: boolean
}

const uploadInParts = async (
  transfer: Transfer<UploadStreamInput>,
  parts: AsyncIterable<HashedPart>,
  upload: UploadToFill
): Promise<E.Either<CosError, UploadResult>> => {
  const { scope, input } = transfer
  const { uploadId, parts: existing } = upload
  const put = sendPart(
    transfer,
    'up'
  )((part: HashedPart) =>
    uploadPart(partInput(input, uploadId, { partNumber: part.number, ...bodyOptions(part) }))
  )
  const putUnlessExisting = (
    part: HashedPart,
    signal: AbortSignal
  ): TE.TaskEither<CosError, PartResponse> => {
    const known = existing.get(part.number)
    const ours = { size: part.size, md5: O.getOrElse(() => '')(part.md5) }
    if (known === undefined || !matchesPart(known, ours)) {
      return pipe(
        put(part, signal),
        TE.map(({ etag, sentCrc64 }) => ({ etag, crc64: sentCrc64, isResumed: false }))
      )
    }
    input.progress?.report({ _tag: 'PartSkipped', size: part.size })
    return TE.right({ etag: known.etag, crc64: part.crc64, isResumed: true })
  }
  const { concurrency = uploadDefaults.concurrency, partSize = uploadDefaults.partSize } = input
  const sent: Array<HashedPartSent> = []
  let resumed = 0
  for await (const { number, size, response } of sendParts(
    {
      concurrency: requestsInFlight(scope.client, concurrency, mostInMemory(concurrency, partSize, 1)),
      controller: scope.controller
    },
    putUnlessExisting
  )(parts)) {
    const { etag, crc64, isResumed } = response
    sent.push({ number, size, crc64, etag })
    if (isResumed) resumed += size
  }
  return completeParts(transfer, upload, sent, resumed)()
}

/** The upload to send parts to, and the parts that it has. */
type UploadToFill = ResumableUpload & Partial<CreatedUpload>

/** Starts with the resumable upload, or with a new one. */
const startUpload = (
  transfer: Transfer<UploadStreamInput>,
  found: O.Option<ResumableUpload>
): TE.TaskEither<CosError, UploadToFill> => {
  const { scope, input } = transfer
  if (O.isSome(found)) {
    const { uploadId } = found.value
    // Nobody aborts an upload of another run, unless the caller asks for it.
    const onFailure = input.onFailure ?? 'keep'
    transfer.onFailure(cleanUpFailed(scope.client, input, { uploadId, onFailure }))
    return TE.right(found.value)
  }
  const { onFailure = uploadDefaults.onFailure, onOrphanedUpload } = input
  return pipe(
    createUpload(transfer, uploadCreateInput(input), { onFailure, onOrphanedUpload }),
    TE.map((created) => ({ ...created, parts: new Map() }))
  )
}

const uploadFrom =
  (encryption: WithUploadEncryption, source: AsyncIterable<Uint8Array>) =>
  async (plain: Transfer<UploadStreamInput>): Promise<E.Either<CosError, UploadResult>> => {
    const { scope, context } = plain
    const { signal } = scope.controller
    const { length: sourceLength, threshold = Number.POSITIVE_INFINITY } = plain.input
    const toStored = (size: number): number => storedSize(encryption, wholeObject, size)
    const length = sourceLength === undefined ? undefined : toStored(sourceLength)
    const plan = planSizes(scope.client, context, plain.input, length)
    if (E.isLeft(plan)) return plan
    const cipher = await createCipher(encryption, scope.client, context, plain.input)()
    if (E.isLeft(cipher)) return cipher
    const transfer = { ...plain, input: withMetadata(cipher.right)(plain.input) }
    const { input } = transfer
    if (length !== undefined) input.progress?.report({ _tag: 'Expected', size: length })
    const found = await findResumable(input, input.resume ?? 'never')(scope.client)()
    if (E.isLeft(found)) return found

    const parts = pipe(
      source,
      withSourceErrors(context, signal),
      encryptSource(cipher.right, { context, ...In.pick('length')(input) }),
      cutParts({ ...plan.right, context, signal, crc64: true, ...(length === undefined ? {} : { length }) }),
      hashParts({ md5: input.enableMd5 === true || O.isSome(found.right) })
    )
    const first = await parts.next()
    if (first.done === true) throw new Error('cutParts returned no part')
    const { last, size, release } = first.value
    if (O.isNone(found.right) && last && size <= toStored(threshold)) {
      return putInOneRequest(transfer, first.value)
    }
    try {
      const upload = await startUpload(transfer, found.right)()
      if (E.isLeft(upload)) {
        await parts.return()
        return upload
      }
      return await uploadInParts(transfer, prepend(first.value, parts), upload.right)
    } finally {
      // A signal may fire before anything reads the first part. Releasing it twice does nothing.
      release()
    }
  }

/** The same transfer for plain and for encrypted objects. An encrypted upload is not resumed: `resume` must be `'never'`. */
export const uploadStreamWith =
  (encryption: WithUploadEncryption) =>
  (input: UploadStreamInput) =>
  (source: AsyncIterable<Uint8Array>): CosEffect<UploadResult> =>
  (client) =>
    withSource(
      contextOf(action, input),
      source
    )(
      runTransfer<UploadStreamInput, UploadResult>(
        action,
        validate(action, Input),
        uploadFrom(encryption, source)
      )(input)(client)
    )

/**
 * Uploads a stream of bytes of any length, known or not.
 *
 * Up to one part goes in one PUT; more becomes a multipart upload: a part is cut and hashed while others are in flight.
 * The CRC64 of every part is compared with COS's, and so is that of the whole object. Chunks are copied, never kept. The
 * source is read no faster than COS takes its bytes, and is closed if anything fails.
 *
 * A stream or generator can be read once: a second run of the effect, and a source that was read, closed or locked
 * before, is a `SourceError`, and the object on COS stays. The source is closed however the upload ends, also if the
 * input is refused or a signal has fired.
 *
 * @shape  `uploadStream(input)(source)` is a `CosEffect<UploadResult>`
 * @units  holds at most `(concurrency + 1) x partSize` bytes, and socket buffers; with `concurrency: 'auto'` at most 64 parts,
 *         and at most 256 MiB or two parts. Without a `length`, `partSize` doubles after every thousand parts, so that 10,000
 *         of them carry 7.8 TiB from 8 MiB: past 7.8 GiB the ceiling is twice as high, past 23.4 GiB four times, and never
 *         above the client's `memoryLimit`
 * @errors those of `putObject` and of the multipart operations; `SourceError` of the source; `IntegrityError` with the
 *         part's number; `error.context.uploadId` if an upload was left open
 * @source https://cloud.tencent.com/document/product/436/14112
 * @example pipe(createReadStream('a.log').pipe(createGzip()), uploadStream({ bucket, key: 'a.log.gz' }))(client)()
 */
export const uploadStream = uploadStreamWith(O.none)
