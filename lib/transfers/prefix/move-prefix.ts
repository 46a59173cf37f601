/** All objects whose keys begin alike, under other keys or in another bucket instead. */
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
 * Moves all objects of a prefix, as `move` does each, while the listing goes on: a source is deleted when its copy is
 * known to be good, and not before. It can be run again after any failure: what was moved is not listed.
 *
 * As `copyPrefix` otherwise.
 *
 * @shape  `MovePrefixInput -> Streaming<MovePrefixResult>`: one for each object, in no order
 * @units  at most `concurrency` objects, each with its `concurrency` requests; memory does not grow with the bucket
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
