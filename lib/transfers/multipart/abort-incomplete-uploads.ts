/** Uploads that nobody finished, found by their age and aborted: their parts are billed until then. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type * as t from 'io-ts'
import { CosException, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import { contextOf, validate } from '../../core/operation.js'
import { bucketRef, type BucketRef } from '../../core/request.js'
import type { Client } from '../../client/client.js'
import { send } from '../../client/send.js'
import { abortMultipartUpload } from '../../operations/abort-multipart-upload.js'
import { QueryText } from '../../operations/parameters/listing.js'
import { toInputKey } from '../../core/key.js'
import { streamMultipartUploads, type ListedUpload } from '../list/stream-multipart-uploads.js'
import { failedStream, type EffectStream } from '../shared/effect-stream.js'
import { runEach } from '../shared/run-each.js'

export interface AbortIncompleteUploadsInput extends BucketRef {
  /** Uploads of keys that begin so; all of the bucket's unless said. */
  readonly prefix?: string
  /**
   * Milliseconds since they were begun, or the moment before which they were. An upload that is still being filled is
   * as old as its beginning: leave it more time than any upload takes.
   */
  readonly olderThan: number | Date
  /** Finds them and leaves them. */
  readonly dryRun?: boolean
  /** Requests in flight; 4 unless said. */
  readonly concurrency?: number
}

const Age: t.Type<number | Date, number | Date, unknown> = In.guarded(
  'milliseconds, at least 0, or a valid Date',
  (u): u is number | Date => In.date.is(u) || In.integer(0).is(u)
)

const Input = In.struct<AbortIncompleteUploadsInput>('SweepUploadsInput', {
  ...bucketRef,
  prefix: In.optional(QueryText),
  olderThan: Age,
  dryRun: In.optional(In.boolean),
  concurrency: In.optional(In.integer(1, 1000))
})

/** Of one upload; younger ones are not told of. */
export type AbortedUpload = { readonly key: string; readonly uploadId: string } & (
  | { readonly _tag: 'Aborted'; readonly initiated: Date }
  /** It would have been aborted. */
  | { readonly _tag: 'Found'; readonly initiated: Date }
  /** Somebody completed or aborted it meanwhile. */
  | { readonly _tag: 'Gone'; readonly initiated: Date }
  /** COS wrote its date in a way that is not known. It is left alone. */
  | { readonly _tag: 'Undated'; readonly initiatedText: string }
  | { readonly _tag: 'Failed'; readonly initiated: Date; readonly error: CosError }
)

const action = 'sweepUploads'

async function* until(
  client: Client,
  olderThan: number | Date,
  uploads: AsyncIterable<ListedUpload>
): AsyncGenerator<ListedUpload, void, undefined> {
  const before = olderThan instanceof Date ? olderThan.getTime() : client.clock.now() - olderThan
  for await (const upload of uploads) {
    if (O.isNone(upload.initiated) || upload.initiated.value.getTime() < before) yield upload
  }
}

const abortUploads = async (
  client: Client,
  { bucket, dryRun = false, headers, query }: AbortIncompleteUploadsInput,
  { key, uploadId, initiated: when, initiatedText }: ListedUpload
): Promise<AbortedUpload> => {
  if (O.isNone(when)) return { _tag: 'Undated', key, uploadId, initiatedText }
  const found = { key, uploadId, initiated: when.value }
  if (dryRun) return { _tag: 'Found', ...found }
  const ref = { bucket, ...In.defined({ headers, query }), key: toInputKey(key), uploadId }
  const answer = await send(abortMultipartUpload(ref))(client)()
  if (E.isRight(answer)) return { _tag: 'Aborted', ...found }
  const error = answer.left
  return error._tag === 'ServiceError' && error.code === 'NoSuchUpload'
    ? { _tag: 'Gone', ...found }
    : { _tag: 'Failed', ...found, error }
}

/**
 * Aborts the unfinished uploads of a bucket that are older than a given age.
 *
 * An upload that is gone on with by another run has the age of its first: the parts that are there go with it.
 *
 * @shape  `SweepUploadsInput -> Streaming<SweptUpload>`: one for each, as it is known, in no order
 * @units  `olderThan` in milliseconds, by COS's clock where ours was found to be off
 * @errors `CosException` of those of `listMultipartUploads`, and of `InvalidInput`; an abort that fails is a result
 * @source https://cloud.tencent.com/document/product/436/7736, https://cloud.tencent.com/document/product/436/7740
 * @example for await (const swept of sweepUploads({ bucket, olderThan: 7 * 86_400_000 })(client)) console.log(swept)
 */
export const abortIncompleteUploads = (input: AbortIncompleteUploadsInput): EffectStream<AbortedUpload> =>
  pipe(
    validate(action, Input)(input),
    E.match(
      (problem): EffectStream<AbortedUpload> => failedStream(new CosException(problem)),
      (valid) =>
        runEach<ListedUpload, AbortedUpload>(contextOf(action, valid), {
          concurrency: valid.concurrency ?? 4,
          onError: 'continue',
          items: (client) =>
            until(
              client,
              valid.olderThan,
              streamMultipartUploads({ bucket: valid.bucket, prefix: valid.prefix ?? '' })(client)
            ),
          work: async (upload, client) => [await abortUploads(client, valid, upload)],
          failureOf: () => O.none
        })
    )
  )
