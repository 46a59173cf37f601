/** All objects whose keys begin alike, deleted as they are listed. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import { CosException, type InvalidInput } from '../../core/error.js'
import * as In from '../../core/input.js'
import { contextOf, validate } from '../../core/operation.js'
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
  /** Keys that begin so: `logs/`, with its slash, or `logs` and all that merely begins like it. */
  readonly prefix: string
  /** Without it an empty prefix is refused. */
  readonly wholeBucket?: boolean
  /** All versions and delete markers, for good. Left out: the objects, which leave delete markers where there are versions. */
  readonly versions?: boolean
  /** `continue` unless said. */
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

/** An empty prefix is all that a bucket holds, and as a rule a variable that was never set. */
export const refuseEmpty =
  (action: string, field: string) =>
  <I extends { readonly wholeBucket?: boolean }>(prefix: string, input: I): E.Either<InvalidInput, I> =>
    prefix === '' && input.wholeBucket !== true
      ? E.left({
          _tag: 'InvalidInput',
          context: contextOf(action, input),
          field,
          expected: 'not empty, or else with wholeBucket: true'
        })
      : E.right(input)

/** One item late. What a listing goes on from must be there still when it does. */
async function* oneBehind<A>(items: AsyncIterable<A>): AsyncGenerator<A, void, undefined> {
  let held: { readonly item: A } | undefined
  for await (const item of items) {
    if (held !== undefined) yield held.item
    held = { item }
  }
  if (held !== undefined) yield held.item
}

/**
 * Deletes all objects of a prefix, while the listing goes on. It can be run again after any failure: what is gone is not
 * listed.
 *
 * Unfinished uploads are no objects: `sweepUploads` is for them.
 *
 * @shape  `DeletePrefixInput -> Streaming<DeletingResult>`: one for each object, or each version, in no order
 * @units  holds at most `(concurrency + 1) x 1,000` keys
 * @errors `CosException` of those of the listing, after the results of what was listed before; with the policy `stop`, of
 *         the first object that could not be deleted, after the results of what was under way
 * @source https://cloud.tencent.com/document/product/436/8289
 * @example for await (const result of deletePrefix({ bucket, prefix: 'tmp/' })(client)) if (result._tag === 'Failed') ...
 */
export const deletePrefix = (input: DeletePrefixInput): EffectStream<DeleteKeysResult> =>
  pipe(
    validate(action, Input)(input),
    E.chain((valid) => refuseEmpty(action, 'prefix')(valid.prefix, valid)),
    E.match(
      (problem): EffectStream<DeleteKeysResult> => failedStream(new CosException(problem)),
      ({ prefix, versions = false, onError: policy = 'continue', wholeBucket: _whole, ...rest }) =>
        deleteKeysWith(action, { ...rest, onError: policy })((client) =>
          versions
            ? oneBehind(streamObjectVersions({ bucket: rest.bucket, prefix })(client))
            : streamObjects({ bucket: rest.bucket, prefix })(client)
        )
    )
  )
