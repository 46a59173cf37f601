/** Bytes whose length nobody needs to know become an object: bytes -> cutting -> hashing -> sending -> completed. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { fromSource, type Context, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import type { Integrity } from '../../core/integrity.js'
import { contextOf, validate } from '../../core/operation.js'
import type { Client } from '../../client/client.js'
import { publishPart, publish } from '../../client/diagnostics.js'
import { scoped, type Scope } from '../../client/scope.js'
import { send, type CosEffect } from '../../client/send.js'
import { putObject } from '../../operations/put-object.js'
import { uploadPart } from '../../operations/upload-part.js'
import { cutParts } from '../../stages/cut-parts.js'
import { hashParts, type HashedPart } from '../../stages/hash-parts.js'
import { createMemoryBudget, inBlocks, type MemoryBudget } from '../../stages/memory-budget.js'
import { constant, forSize, growing, type PartSizes } from '../../stages/part-size.js'
import { sendParts } from '../../stages/send-parts.js'
import { withProgress, reportPartsOf, type WithProgress } from '../shared/progress.js'
import {
  headOptions,
  createUpload,
  completeUpload,
  cleanUpFailed,
  type Completed,
  type PartSent
} from '../multipart/lifecycle.js'
import { matchesPart, Resume, findResumable, type ResumableUpload } from '../multipart/find-resumable.js'
import {
  bodyOf,
  uploadDefaults,
  uploadCompleteInput,
  uploadCreateInput,
  hashedPartInput,
  putInput,
  uploadOptions,
  type UploadOptions
} from './options.js'

export interface UploadStreamInput extends UploadOptions, WithProgress {
  /** In bytes, where it is known; the source is held to it. */
  readonly length?: number
  /** In bytes: up to so many go in one plain PUT. One part at most, which is also what it is unless said. */
  readonly threshold?: number
  /**
   * For a source that gives the same bytes again: the parts that an earlier run left, and that are the source's, are
   * not sent again. `never` unless said. Say the same `partSize`, or no part will be the same.
   */
  readonly resume?: Resume
}

const Input = In.struct<UploadStreamInput>('UploadStreamInput', {
  ...uploadOptions,
  ...withProgress,
  resume: In.optional(Resume),
  length: In.optional(In.integer(0)),
  threshold: In.optional(In.integer(0))
})

export interface UploadResult {
  readonly bucket: string
  readonly key: string
  /** Opaque, quotes included; of a multipart upload it is not an MD5. */
  readonly etag: string
  readonly versionId: O.Option<string>
  /** In bytes. */
  readonly size: number
  /** 0: it went in one plain PUT. */
  readonly parts: number
  /** Bytes that an earlier run had sent, and this one did not. */
  readonly resumed: number
  /** Of the whole, unsigned, as we counted it. */
  readonly crc64: bigint
  /** How that compared with COS's. */
  readonly integrity: Integrity
  readonly requestId: string
}

const action = 'uploadStream'

/** How large the parts are, and whose memory they are held in. */
interface Plan {
  readonly sizes: PartSizes
  readonly budget: MemoryBudget
}

const planParts = (
  client: Client,
  context: Context,
  { partSize = uploadDefaults.partSize, concurrency = uploadDefaults.concurrency, length }: UploadStreamInput
): E.Either<CosError, Plan> =>
  pipe(
    length === undefined
      ? growing({
          partSize,
          ...pipe(
            client.memory,
            O.match(
              () => ({}),
              ({ largest }) => ({ most: largest })
            )
          )
        })
      : E.map(constant)(forSize({ size: length, partSize })),
    E.bimap(
      ({ field, expected }): CosError => ({
        _tag: 'InvalidInput',
        context,
        field: field === 'size' ? 'length' : field,
        expected
      }),
      (sizes) => ({
        sizes,
        budget: pipe(
          client.memory,
          // Its own ceiling: what is in flight, and one part being filled, at whatever size the parts have grown to.
          O.getOrElse(() =>
            createMemoryBudget({
              limit: (concurrency + 1) * inBlocks(Math.max(...sizes.map(({ size }) => size)))
            })
          )
        )
      })
    )
  )

const putInOneRequest = async (
  scope: Scope,
  input: UploadStreamInput,
  part: HashedPart
): Promise<E.Either<CosError, UploadResult>> => {
  const put = reportPartsOf(input)((whole: HashedPart, signal) =>
    pipe(
      send(putObject(putInput(input, bodyOf(whole), O.toUndefined(whole.md5))))({
        ...scope.client,
        signals: [signal]
      }),
      publishPart({ ...aboutOf(input), part: 1, size: whole.size, direction: 'up' })
    )
  )
  try {
    return await pipe(
      put(part, scope.controller.signal),
      TE.map(({ etag, versionId, integrity, requestId }) => ({
        bucket: input.bucket,
        key: input.key,
        etag,
        versionId,
        size: part.size,
        parts: 0,
        resumed: 0,
        crc64: part.crc64,
        integrity,
        requestId
      }))
    )()
  } finally {
    part.release()
  }
}

/** Puts back what was looked at. */
async function* after<A>(
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

interface Sent {
  readonly etag: string
  readonly resumed: boolean
}

const uploadInParts = async (
  scope: Scope,
  context: Context,
  input: UploadStreamInput,
  parts: AsyncIterable<HashedPart>,
  { uploadId, parts: there }: ResumableUpload
): Promise<E.Either<CosError, UploadResult>> => {
  const put = reportPartsOf(input)((part: HashedPart, signal) =>
    pipe(
      send(uploadPart(hashedPartInput(input, uploadId, part)))({ ...scope.client, signals: [signal] }),
      publishPart({ ...aboutOf(input), part: part.number, size: part.size, direction: 'up' }),
      TE.map(({ etag }): Sent => ({ etag, resumed: false }))
    )
  )
  const putUnlessThere = (part: HashedPart, signal: AbortSignal): TE.TaskEither<CosError, Sent> => {
    const known = there.get(part.number)
    const ours = { size: part.size, md5: O.getOrElse(() => '')(part.md5) }
    if (known === undefined || matchesPart(known, ours) === 'other') return put(part, signal)
    input.progress?.tell({ _tag: 'PartSkipped', size: part.size })
    return TE.right({ etag: known.etag, resumed: true })
  }
  const concurrency = input.concurrency ?? uploadDefaults.concurrency
  const sent: Array<PartSent> = []
  let resumed = 0
  for await (const { number, size, crc64, answer } of sendParts(
    { concurrency, controller: scope.controller },
    putUnlessThere
  )(parts)) {
    sent.push({ number, size, crc64: O.some(crc64), etag: answer.etag })
    if (answer.resumed) resumed += size
  }
  return pipe(
    completeUpload(
      scope.client,
      context,
      uploadCompleteInput(input, uploadId),
      headOptions(input),
      sent.sort((a, b) => a.number - b.number)
    ),
    TE.map(uploadResultOf(input, resumed))
  )()
}

/** What became of an upload in parts. */
export const uploadResultOf =
  ({ bucket, key }: UploadOptions, resumed: number) =>
  ({ etag, versionId, size, parts, crc64, integrity, requestId }: Completed): UploadResult => ({
    bucket,
    key,
    etag,
    versionId,
    size,
    parts,
    resumed,
    crc64: O.getOrElse(() => 0n)(crc64),
    integrity,
    requestId
  })

/** An upload to send parts to: the one that was found, or a new one. */
const startUpload = (
  scope: Scope,
  input: UploadStreamInput,
  found: O.Option<ResumableUpload>
): TE.TaskEither<CosError, ResumableUpload> =>
  O.isSome(found)
    ? TE.right(found.value)
    : pipe(
        createUpload(scope.client, contextOf(action, input), uploadCreateInput(input)),
        TE.map((uploadId) => ({ uploadId, parts: new Map() }))
      )

const aboutOf = ({
  bucket,
  key
}: UploadStreamInput): { readonly operation: string; readonly bucket: string; readonly key: string } => ({
  operation: action,
  bucket,
  key
})

/**
 * Uploads a stream of bytes of any length, known or not.
 *
 * Up to one part goes in one PUT; more becomes a multipart upload, a part cut and hashed while others are in flight. The
 * CRC64 of every part is compared with COS's answer, and that of the whole with what COS assembled. Chunks are copied,
 * never kept; the source is read no faster than COS takes its bytes, and is closed if anything fails.
 *
 * @shape  `uploadStream(input)(source)` is an `Effect<Uploaded>`; the source is read once, so run it once
 * @units  holds at most `(concurrency + 1) x partSize` bytes and some for sockets. Without a `length`, `partSize` doubles
 *         after every thousand parts, so that 10,000 of them carry 7.8 TiB from 8 MiB: past 8 GiB the ceiling is twice as
 *         high, past 24 GiB four times, and never above the client's `memoryLimit`
 * @errors those of `putObject` and of the multipart operations; `SourceError` of the source; `IntegrityError` with the
 *         part's number; `error.context.uploadId` where an upload was left open
 * @source https://cloud.tencent.com/document/product/436/14112
 * @example pipe(createReadStream('a.log').pipe(createGzip()), uploadStream({ bucket, key: 'a.log.gz' }))(client)()
 */
export const uploadStream =
  (input: UploadStreamInput) =>
  (source: AsyncIterable<Uint8Array>): CosEffect<UploadResult> =>
  (client) =>
  async () => {
    const context = contextOf(action, input)
    const ready = pipe(
      validate(action, Input)(input),
      E.bindTo('valid'),
      E.bindW('plan', ({ valid }) => planParts(client, context, valid))
    )
    if (E.isLeft(ready)) return ready
    const { valid, plan } = ready.right

    let uploadId: string | undefined
    if (valid.length !== undefined) valid.progress?.tell({ _tag: 'Expected', size: valid.length })
    publish('transfer', () => ({ ...aboutOf(valid), phase: 'start', transferred: 0, error: '' }))
    const result = await scoped(client, context, async (scope) => {
      const found = await findResumable(valid, valid.resume ?? 'never')(scope.client)()
      if (E.isLeft(found)) return found
      try {
        const cut = cutParts({
          ...plan,
          context,
          signal: scope.controller.signal,
          ...In.pick('length')(valid)
        })
        const md5 = valid.enableMd5 === true || O.isSome(found.right)
        const parts = pipe(source, cut, hashParts({ md5 }))
        const first = await parts.next()
        if (first.done === true) throw new Error('cutting gave no part')
        const { last, size } = first.value
        if (O.isNone(found.right) && last && size <= (valid.threshold ?? Number.POSITIVE_INFINITY)) {
          return await putInOneRequest(scope, valid, first.value)
        }
        const upload = await startUpload(scope, valid, found.right)()
        if (E.isLeft(upload)) {
          first.value.release()
          await parts.return()
          return upload
        }
        uploadId = upload.right.uploadId
        try {
          return await uploadInParts(scope, context, valid, after(first.value, parts), upload.right)
        } finally {
          // Where a signal came before anyone asked for a part. Doing so twice does nothing.
          first.value.release()
        }
      } catch (thrown) {
        return E.left(fromSource(context)(thrown))
      }
    })
    valid.progress?.end()
    publish('transfer', () => ({
      ...aboutOf(valid),
      phase: 'end',
      transferred: E.isRight(result) ? result.right.size : 0,
      error: E.isLeft(result) ? result.left._tag : ''
    }))
    if (E.isRight(result) || uploadId === undefined) return result
    return E.left(
      await cleanUpFailed(client, valid, uploadId, valid.onFailure ?? uploadDefaults.onFailure)(result.left)()
    )
  }
