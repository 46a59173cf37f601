/** All objects whose keys begin alike, under other keys or in another bucket as well. */
import { pipe } from 'fp-ts/lib/function.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import { copy, type CopyResult } from '../copy/copy.js'
import type { PrefixInput } from './options.js'
import type { EffectStream } from '../shared/effect-stream.js'
import { forEachObject, type ObjectResult, type NotCopied } from './for-each-object.js'

export type CopyPrefixInput = PrefixInput

export type CopyPrefixResult = ObjectResult &
  ({ readonly _tag: 'Copied'; readonly copied: CopyResult } | NotCopied)

/**
 * Copies all objects of a prefix, as `copy` does each, while the listing goes on.
 *
 * Within a bucket the new prefix must lie outside of the source's, which would otherwise grow with each copy; and an
 * object whose copy would fall among the sources, as `a/a/b` does when `a/` becomes nothing, is a failure. Objects that
 * come while it runs may or may not be copied. As of any copy, the storage class is `STANDARD` unless said.
 *
 * @shape  `CopyPrefixInput -> Streaming<CopyPrefixResult>`: one for each object, in no order
 * @units  at most `concurrency` objects, each with its `concurrency` requests; memory does not grow with the bucket
 * @errors `CosException` of those of the listing, after the results of what was listed before; with the policy `stop`, of
 *         the first object that could not be copied, after the results of what was under way; `InvalidInput`
 * @source https://cloud.tencent.com/document/product/436/10881
 * @example copyPrefix({ bucket, prefix: 'b/', copySource: { bucket, region: 'ap-guangzhou', prefix: 'a/' } })
 */
export const copyPrefix: (input: CopyPrefixInput) => EffectStream<CopyPrefixResult> = forEachObject(
  'copyPrefix',
  (input) =>
    pipe(
      copy(input),
      RTE.map((copied) => ({ _tag: 'Copied' as const, copied }))
    )
)
