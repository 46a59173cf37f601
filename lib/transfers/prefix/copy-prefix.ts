/** Copies all objects of a prefix to another prefix or bucket. */
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
 * Copies all objects of a prefix while listing them; each object is copied as by `copy`.
 *
 * Within one bucket, the new prefix must lie outside the source prefix, which would otherwise grow with each copy. An object
 * whose copy would land among the sources (`a/a/b` when `a/` becomes empty) yields `Failed`. Objects created during the
 * run may or may not be copied. As with any copy, the default storage class is `STANDARD`.
 *
 * @shape  `CopyPrefixInput -> EffectStream<CopyPrefixResult>`: one result for each object, in no order
 * @units  at most `concurrency` objects, each with `partConcurrency` requests; memory does not grow with the bucket
 * @errors a `CosException` with: an error of the listing, after the results of the objects listed before; if `onError` is
 *         `stop`, the first object's error, after the results of the objects in progress; `InvalidInput`
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
