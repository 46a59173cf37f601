/** Moves all objects of a prefix to another prefix or bucket. */
import { pipe } from 'fp-ts/lib/function.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import { move, type MoveResult } from '../copy/move.js'
import type { PrefixInput } from './options.js'
import type { EffectStream } from '../shared/effect-stream.js'
import { forEachObject, type ObjectResult, type NotCopied } from './for-each-object.js'

export type MovePrefixInput = PrefixInput

export type MovePrefixResult = ObjectResult &
  ({ readonly _tag: 'Moved'; readonly moved: MoveResult } | NotCopied)

/**
 * Moves all objects of a prefix while listing them; each object is moved as by `move`: the source is deleted only after its
 * copy has been verified. It can be run again after any failure, since moved objects are no longer listed.
 *
 * Otherwise like `copyPrefix`.
 *
 * @shape  `MovePrefixInput -> EffectStream<MovePrefixResult>`: one result for each object, in no order
 * @units  at most `concurrency` objects, each with `partConcurrency` requests; memory does not grow with the bucket
 * @errors as `copyPrefix`
 * @source https://cloud.tencent.com/document/product/436/10881, https://cloud.tencent.com/document/product/436/7743
 * @example movePrefix({ bucket, prefix: 'b/', copySource: { bucket, region: 'ap-guangzhou', prefix: 'a/' } })
 */
export const movePrefix: (input: MovePrefixInput) => EffectStream<MovePrefixResult> = forEachObject(
  'movePrefix',
  (input) =>
    pipe(
      move(input),
      RTE.map((moved) => ({ _tag: 'Moved' as const, moved }))
    )
)
