/** HEAD of an object that may not exist. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { CosError } from '../../core/error.js'
import { send, type CosEffect } from '../../client/send.js'
import { headObject, type HeadObjectInput, type ObjectHead } from '../../operations/head-object.js'

// 405: the latest version of the object is a delete marker.
const isAbsence = (error: CosError): boolean =>
  error._tag === 'ServiceError' && (error.status === 404 || error.status === 405)

/**
 * Like `headObject`; none if the object does not exist.
 *
 * @errors those of `headObject`, but not 404 and 405
 */
export const headIfExists =
  (input: HeadObjectInput): CosEffect<O.Option<ObjectHead>> =>
  (client) =>
    pipe(
      send(headObject(input))(client),
      TE.map(O.some),
      TE.orElse((error) => (isAbsence(error) ? TE.right(O.none) : TE.left(error)))
    )
