/** The start of an object, where a sealed one has its header. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import { hasStatus } from '../../core/error.js'
import * as In from '../../core/input.js'
import { refOf, type ObjectRef } from '../../core/request.js'
import { send, type CosEffect } from '../../client/send.js'
import { headerSize } from '../../encryption/sealed-header.js'
import { getObject, type GetObjectInput } from '../../operations/get-object.js'
import { toBuffer } from '../download/to-buffer.js'

/** An object or a version of it, and what a request of it needs. */
export type VersionRef = ObjectRef & Pick<GetObjectInput, 'versionId' | 'sse' | 'referer'>

/**
 * Reads the first 1,024 bytes of an object that has this ETag.
 *
 * @shape  fewer if the object has fewer; none if it is empty
 * @errors those of `getObject`
 */
export const readFront = (ref: VersionRef, etag: string): CosEffect<O.Option<Buffer>> => {
  const version = { ...refOf(ref), ...In.pick('versionId', 'sse', 'referer')(ref) }
  return pipe(
    send(getObject({ ...version, range: { first: 0, last: headerSize - 1 }, ifMatch: etag })),
    RTE.chain(toBuffer(headerSize)),
    RTE.map(O.some),
    // 416: an empty object.
    RTE.orElse((error) => (hasStatus(416)(error) ? RTE.right(O.none) : RTE.left(error)))
  )
}
