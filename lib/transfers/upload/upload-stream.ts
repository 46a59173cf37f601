/** Bytes whose length nobody needs to know become an object: bytes -> cutting -> hashing -> sending -> completed. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { fromSource, type Context, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import type { Integrity } from '../../core/integrity.js'
import { contextOf, judge } from '../../core/operation.js'
import type { Client } from '../../client/client.js'
import { announced, publish } from '../../client/diagnostics.js'
import { scoped, type Scope } from '../../client/scope.js'
import { send, type Effect } from '../../client/send.js'
import { putObject } from '../../operations/put-object.js'
import { uploadPart } from '../../operations/upload-part.js'
import { cutting } from '../../stages/cut-parts.js'
import { hashing, type HashedPart } from '../../stages/hash-parts.js'
import { createBudget, inBlocks, type Budget } from '../../stages/memory-budget.js'
import { constant, forSize, growing, type PartSizes } from '../../stages/part-size.js'
import { sending } from '../../stages/send-parts.js'
import { metering, told, type Metering } from '../shared/progress.js'
import {
  headOptions,
  beginning,
  completing,
  failing,
  type Completed,
  type PartSent
} from '../multipart/lifecycle.js'
import { compare, Resume, unfinished, type Unfinished } from '../multipart/find-resumable.js'
import {
  bodyOf,
  defaults,
  toComplete,
  toCreate,
  toHashedPart,
  toPut,
  uploadOptions,
  type UploadOptions
} from './options.js'

export interface UploadStreamInput extends UploadOptions, Metering {
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
  ...metering,
  resume: In.optional(Resume),
  length: In.optional(In.integer(0)),
  threshold: In.optional(In.integer(0))
})

export interface Uploaded {
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
  readonly budget: Budget
}

const planned = (
  client: Client,
  context: Context,
  { partSize = defaults.partSize, partsInFlight = defaults.partsInFlight, length }: UploadStreamInput
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
            createBudget({
              limit: (partsInFlight + 1) * inBlocks(Math.max(...sizes.map(({ size }) => size)))
            })
          )
        )
      })
    )
  )

const putWhole = async (
  scope: Scope,
  input: UploadStreamInput,
  part: HashedPart
): Promise<E.Either<CosError, Uploaded>> => {
  const put = told(input)((whole: HashedPart, signal) =>
    pipe(
      send(putObject(toPut(input, bodyOf(whole), O.toUndefined(whole.md5))))({
        ...scope.client,
        signals: [signal]
      }),
      announced({ ...aboutOf(input), part: 1, size: whole.size, direction: 'up' })
    )
  )
  try {
    return await pipe(
      put(part, scope.stop.signal),
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

const inParts = async (
  scope: Scope,
  context: Context,
  input: UploadStreamInput,
  parts: AsyncIterable<HashedPart>,
  { uploadId, parts: there }: Unfinished
): Promise<E.Either<CosError, Uploaded>> => {
  const put = told(input)((part: HashedPart, signal) =>
    pipe(
      send(uploadPart(toHashedPart(input, uploadId, part)))({ ...scope.client, signals: [signal] }),
      announced({ ...aboutOf(input), part: part.number, size: part.size, direction: 'up' }),
      TE.map(({ etag }): Sent => ({ etag, resumed: false }))
    )
  )
  const putUnlessThere = (part: HashedPart, signal: AbortSignal): TE.TaskEither<CosError, Sent> => {
    const known = there.get(part.number)
    const ours = { size: part.size, md5: O.getOrElse(() => '')(part.md5) }
    if (known === undefined || compare(known, ours) === 'other') return put(part, signal)
    input.meter?.tell({ _tag: 'PartSkipped', size: part.size })
    return TE.right({ etag: known.etag, resumed: true })
  }
  const concurrency = input.partsInFlight ?? defaults.partsInFlight
  const sent: Array<PartSent> = []
  let resumed = 0
  for await (const { number, size, crc64, answer } of sending(
    { concurrency, stop: scope.stop },
    putUnlessThere
  )(parts)) {
    sent.push({ number, size, crc64: O.some(crc64), etag: answer.etag })
    if (answer.resumed) resumed += size
  }
  return pipe(
    completing(
      scope.client,
      context,
      toComplete(input, uploadId),
      headOptions(input),
      sent.sort((a, b) => a.number - b.number)
    ),
    TE.map(uploadedOf(input, resumed))
  )()
}

/** What became of an upload in parts. */
export const uploadedOf =
  ({ bucket, key }: UploadOptions, resumed: number) =>
  ({ etag, versionId, size, parts, crc64, integrity, requestId }: Completed): Uploaded => ({
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
const begun = (
  scope: Scope,
  input: UploadStreamInput,
  found: O.Option<Unfinished>
): TE.TaskEither<CosError, Unfinished> =>
  O.isSome(found)
    ? TE.right(found.value)
    : pipe(
        beginning(scope.client, contextOf(action, input), toCreate(input)),
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
 * @units  holds at most `(partsInFlight + 1) x partSize` bytes and some for sockets. Without a `length`, `partSize` doubles
 *         after every thousand parts, so that 10,000 of them carry 7.8 TiB from 8 MiB: past 8 GiB the ceiling is twice as
 *         high, past 24 GiB four times, and never above the client's `memoryLimit`
 * @errors those of `putObject` and of the multipart operations; `SourceError` of the source; `IntegrityError` with the
 *         part's number; `error.context.uploadId` where an upload was left open
 * @source https://cloud.tencent.com/document/product/436/14112
 * @example pipe(createReadStream('a.log').pipe(createGzip()), uploadStream({ bucket, key: 'a.log.gz' }))(client)()
 */
export const uploadStream =
  (input: UploadStreamInput) =>
  (source: AsyncIterable<Uint8Array>): Effect<Uploaded> =>
  (client) =>
  async () => {
    const context = contextOf(action, input)
    const ready = pipe(
      judge(action, Input)(input),
      E.bindTo('valid'),
      E.bindW('plan', ({ valid }) => planned(client, context, valid))
    )
    if (E.isLeft(ready)) return ready
    const { valid, plan } = ready.right

    let uploadId: string | undefined
    if (valid.length !== undefined) valid.meter?.tell({ _tag: 'Expected', size: valid.length })
    publish('transfer', () => ({ ...aboutOf(valid), phase: 'start', transferred: 0, error: '' }))
    const result = await scoped(client, context, async (scope) => {
      const found = await unfinished(valid, valid.resume ?? 'never')(scope.client)()
      if (E.isLeft(found)) return found
      try {
        const cut = cutting({ ...plan, context, signal: scope.stop.signal, ...In.pick('length')(valid) })
        const md5 = valid.enableMd5 === true || O.isSome(found.right)
        const parts = pipe(source, cut, hashing({ md5 }))
        const first = await parts.next()
        if (first.done === true) throw new Error('cutting gave no part')
        const { last, size } = first.value
        if (O.isNone(found.right) && last && size <= (valid.threshold ?? Number.POSITIVE_INFINITY)) {
          return await putWhole(scope, valid, first.value)
        }
        const upload = await begun(scope, valid, found.right)()
        if (E.isLeft(upload)) {
          first.value.release()
          await parts.return()
          return upload
        }
        uploadId = upload.right.uploadId
        try {
          return await inParts(scope, context, valid, after(first.value, parts), upload.right)
        } finally {
          // Where a signal came before anyone asked for a part. Doing so twice does nothing.
          first.value.release()
        }
      } catch (thrown) {
        return E.left(fromSource(context)(thrown))
      }
    })
    valid.meter?.end()
    publish('transfer', () => ({
      ...aboutOf(valid),
      phase: 'end',
      transferred: E.isRight(result) ? result.right.size : 0,
      error: E.isLeft(result) ? result.left._tag : ''
    }))
    if (E.isRight(result) || uploadId === undefined) return result
    return E.left(
      await failing(client, valid, uploadId, valid.onFailure ?? defaults.onFailure)(result.left)()
    )
  }
