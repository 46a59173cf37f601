/** All objects whose keys begin alike, under other keys or in another bucket as well. */
import { pipe } from 'fp-ts/lib/function.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import { copy, type Copied } from '../copy/copy.js'
import type { PrefixInput } from './options.js'
import type { Streaming } from '../shared/effect-stream.js'
import { transferring, type Each, type NotTransferred } from './for-each-object.js'

export type CopyPrefixInput = PrefixInput

export type CopyPrefixResult = Each & ({ readonly _tag: 'Copied'; readonly copied: Copied } | NotTransferred)

/**
 * Copies all objects of a prefix, as `copy` does each, while the listing goes on.
 *
 * Within a bucket the new prefix must lie outside of the source's, which would otherwise grow with each copy; and an
 * object whose copy would fall among the sources, as `a/a/b` does when `a/` becomes nothing, is a failure. Objects that
 * come while it runs may or may not be copied. As of any copy, the storage class is `STANDARD` unless said.
 *
 * @shape  `CopyPrefixInput -> Streaming<CopyPrefixResult>`: one for each object, in no order
 * @units  at most `objectsInFlight` objects, each with its `partsInFlight` requests; memory does not grow with the bucket
 * @errors `CosFailure` of those of the listing, after the results of what was listed before; with the policy `stop`, of
 *         the first object that could not be copied, after the results of what was under way; `InvalidInput`
 * @source https://cloud.tencent.com/document/product/436/10881
 * @example copyPrefix({ bucket, prefix: 'b/', copySource: { bucket, region: 'ap-guangzhou', prefix: 'a/' } })
 */
export const copyPrefix: (input: CopyPrefixInput) => Streaming<CopyPrefixResult> = transferring(
  'copyPrefix',
  (input) =>
    pipe(
      copy(input),
      RTE.map((copied) => ({ _tag: 'Copied' as const, copied }))
    )
)
