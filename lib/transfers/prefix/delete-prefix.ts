/** Deletes all objects of a prefix while listing them. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import { CosException, invalidInput, type InvalidInput } from '../../core/error.js'
import * as In from '../../core/input.js'
import { contextOf, validate } from '../../core/operation.js'
import { conflict } from '../../core/problem.js'
import { QueryText } from '../../operations/parameters/listing.js'
import {
  deleteKeysOptions,
  deleteKeysWith,
  type DeleteKeysInput,
  type DeleteKeysResult
} from '../delete/delete-keys.js'
import { streamObjects } from '../list/stream-objects.js'
import { streamObjectVersions } from '../list/stream-object-versions.js'
import { failedStream, type EffectStream } from '../shared/effect-stream.js'
import { OnItemError } from '../shared/run-each.js'

export interface DeletePrefixInput extends DeleteKeysInput {
  /** Start of the keys to delete. `logs/` matches the folder; `logs` also matches `logs.txt` and `logs-old/a`. */
  readonly prefix: string
  /** Must be true if `prefix` is empty. Default: false. */
  readonly wholeBucket?: boolean
  /**
   * Deletes all versions and delete markers permanently. Default: false; in a bucket with versioning, each object then gets
   * a delete marker.
   */
  readonly versions?: boolean
  /** `'continue'`: a failure is a result. `'stop'`: the stream fails with it. Default: `'continue'`. */
  readonly onError?: OnItemError
}

const Input = In.struct<DeletePrefixInput>('DeletePrefixInput', {
  ...deleteKeysOptions,
  prefix: QueryText,
  wholeBucket: In.optional(In.boolean),
  versions: In.optional(In.boolean),
  onError: In.optional(OnItemError)
})

const action = 'deletePrefix'

/** An empty prefix selects the whole bucket, and is usually a variable that was never set. */
export const refuseEmpty =
  (action: string, field: string) =>
  <I extends { readonly wholeBucket?: boolean }>(prefix: string, input: I): E.Either<InvalidInput, I> =>
    prefix === '' && input.wholeBucket !== true
      ? E.left(
          invalidInput(
            contextOf(action, input),
            conflict(field, 'must not be empty; set wholeBucket: true to act on every object in the bucket')
          )
        )
      : E.right(input)

/**
 * Yields each item after the next has arrived. A listing resumes from the last item it has received, which must not have been
 * deleted by then.
 */
async function* delayByOne<A>(items: AsyncIterable<A>): AsyncGenerator<A, void, undefined> {
  let held: { readonly item: A } | undefined
  for await (const item of items) {
    if (held !== undefined) yield held.item
    held = { item }
  }
  if (held !== undefined) yield held.item
}

/**
 * Deletes all objects of a prefix while listing them. It can be run again after any failure, since deleted objects are no
 * longer listed.
 *
 * Incomplete uploads are not objects; `abortIncompleteUploads` removes them.
 *
 * @shape  `DeletePrefixInput -> EffectStream<DeleteKeysResult>`: one result for each object or version, in no order
 * @units  holds at most `(concurrency + 1) x 1,000` keys
 * @errors a `CosException` with: an error of the listing, after the results of the objects listed before; if `onError` is
 *         `stop`, the first object's error, after the results of the requests in progress; `InvalidInput`
 * @source https://cloud.tencent.com/document/product/436/8289
 * @example for await (const result of deletePrefix({ bucket, prefix: 'tmp/' })(client)) if (result._tag === 'Failed') ...
 */
export const deletePrefix = (input: DeletePrefixInput): EffectStream<DeleteKeysResult> =>
  pipe(
    validate(action, Input)(input),
    E.chain((valid) => refuseEmpty(action, 'prefix')(valid.prefix, valid)),
    E.match(
      (problem): EffectStream<DeleteKeysResult> => failedStream(new CosException(problem)),
      ({ prefix, versions = false, onError = 'continue', wholeBucket: _wholeBucket, ...rest }) =>
        deleteKeysWith(action, { ...rest, onError })((client) =>
          versions
            ? delayByOne(streamObjectVersions({ bucket: rest.bucket, prefix })(client))
            : streamObjects({ bucket: rest.bucket, prefix })(client)
        )
    )
  )
