/** Aborts unfinished uploads by their age: COS bills their parts until then. */
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
  /** Only uploads of keys with this prefix. Default: all uploads of the bucket. */
  readonly prefix?: string
  /**
   * Age in milliseconds, or the moment before which they were created. The age of an upload that is still being filled
   * counts from its creation: choose more than any upload takes.
   */
  readonly olderThan: number | Date
  /** Reports uploads without aborting them. Default: false. */
  readonly dryRun?: boolean
  /** Requests in flight. Default: 4. */
  readonly concurrency?: number
}

const Age: t.Type<number | Date, number | Date, unknown> = In.guarded(
  'an integer, at least 0 (milliseconds), or a valid Date',
  (u): u is number | Date => In.date.is(u) || In.integer(0).is(u)
)

const Input = In.struct<AbortIncompleteUploadsInput>('AbortIncompleteUploadsInput', {
  ...bucketRef,
  prefix: In.optional(QueryText),
  olderThan: Age,
  dryRun: In.optional(In.boolean),
  concurrency: In.optional(In.integer(1, 1000))
})

/** The result for one upload. Younger uploads have none. */
export type AbortedUpload = { readonly key: string; readonly uploadId: string } & (
  | { readonly _tag: 'Aborted'; readonly initiated: Date }
  /** With `dryRun`: it would have been aborted. */
  | { readonly _tag: 'Found'; readonly initiated: Date }
  /** It was completed or aborted meanwhile. */
  | { readonly _tag: 'Gone'; readonly initiated: Date }
  /** Its date has an unknown form. It is not aborted. */
  | { readonly _tag: 'Undated'; readonly initiatedText: string }
  | { readonly _tag: 'Failed'; readonly initiated: Date; readonly error: CosError }
)

const action = 'abortIncompleteUploads'

async function* olderUploads(
  client: Client,
  olderThan: number | Date,
  uploads: AsyncIterable<ListedUpload>
): AsyncGenerator<ReadonlyArray<ListedUpload>, void, undefined> {
  const before = olderThan instanceof Date ? olderThan.getTime() : client.clock.now() - olderThan
  for await (const upload of uploads) {
    if (O.isNone(upload.initiated) || upload.initiated.value.getTime() < before) yield [upload]
  }
}

const abortUploads = async (
  client: Client,
  { bucket, dryRun = false, headers, query }: AbortIncompleteUploadsInput,
  { key, uploadId, initiated, initiatedText }: ListedUpload
): Promise<AbortedUpload> => {
  if (O.isNone(initiated)) return { _tag: 'Undated', key, uploadId, initiatedText }
  const found = { key, uploadId, initiated: initiated.value }
  if (dryRun) return { _tag: 'Found', ...found }
  const ref = { bucket, ...In.defined({ headers, query }), key: toInputKey(key), uploadId }
  const result = await send(abortMultipartUpload(ref))(client)()
  if (E.isRight(result)) return { _tag: 'Aborted', ...found }
  const error = result.left
  return error._tag === 'ServiceError' && error.code === 'NoSuchUpload'
    ? { _tag: 'Gone', ...found }
    : { _tag: 'Failed', ...found, error }
}

/**
 * Aborts the unfinished uploads of a bucket that are older than a given age.
 *
 * An upload that a later run resumes keeps the age of its creation: aborting it deletes the parts of both runs.
 *
 * @shape  `AbortIncompleteUploadsInput -> EffectStream<AbortedUpload>`: one for each upload, as it is known, in no order
 * @units  `olderThan` in milliseconds, by COS's clock if ours was found to be wrong
 * @errors `CosException` of those of `listMultipartUploads`, and of `InvalidInput`; an abort that fails is a result
 * @source https://cloud.tencent.com/document/product/436/7736, https://cloud.tencent.com/document/product/436/7740
 * @example
 * for await (const upload of abortIncompleteUploads({ bucket, olderThan: 7 * 86_400_000 })(client)) console.log(upload)
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
            olderUploads(
              client,
              valid.olderThan,
              streamMultipartUploads({ bucket: valid.bucket, prefix: valid.prefix ?? '' })(client)
            ),
          work: async (upload, client) => [await abortUploads(client, valid, upload)],
          failureOf: () => O.none
        })
    )
  )
