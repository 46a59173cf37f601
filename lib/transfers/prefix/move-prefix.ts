/** All objects whose keys begin alike, under other keys or in another bucket instead. */
import { pipe } from 'fp-ts/lib/function.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import { move, type Moved } from '../copy/move.js'
import type { PrefixInput } from './options.js'
import type { Streaming } from '../shared/effect-stream.js'
import { transferring, type Each, type NotTransferred } from './for-each-object.js'

export type MovePrefixInput = PrefixInput

export type MovePrefixResult = Each & ({ readonly _tag: 'Moved'; readonly moved: Moved } | NotTransferred)

/**
 * Moves all objects of a prefix, as `move` does each, while the listing goes on: a source is deleted when its copy is
 * known to be good, and not before. It can be run again after any failure: what was moved is not listed.
 *
 * As `copyPrefix` otherwise.
 *
 * @shape  `MovePrefixInput -> Streaming<MovePrefixResult>`: one for each object, in no order
 * @units  at most `objectsInFlight` objects, each with its `partsInFlight` requests; memory does not grow with the bucket
 * @errors as `copyPrefix`
 * @source https://cloud.tencent.com/document/product/436/10881, https://cloud.tencent.com/document/product/436/7743
 * @example movePrefix({ bucket, prefix: 'b/', copySource: { bucket, region: 'ap-guangzhou', prefix: 'a/' } })
 */
export const movePrefix: (input: MovePrefixInput) => Streaming<MovePrefixResult> = transferring(
  'movePrefix',
  (input) =>
    pipe(
      move(input),
      RTE.map((moved) => ({ _tag: 'Moved' as const, moved }))
    )
)
