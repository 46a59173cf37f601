/** Whether an object exists: a HEAD Object whose 404 is `false`. */
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as D from '../core/decoder.js'
import type * as Op from '../core/operation.js'
import { headObject, type HeadObjectInput } from './head-object.js'

/**
 * Checks whether an object, or one version of it, exists. A delete marker does not count as an object.
 *
 * @shape  `HeadObjectInput -> Operation<boolean>`
 * @errors those of `headObject`, except 404. A missing bucket is `false` too: HEAD does not distinguish the two
 * @source https://cloud.tencent.com/document/product/436/7745
 */
export const objectExists = (input: HeadObjectInput): Op.Operation<boolean> => {
  const head = headObject(input)
  return {
    ...head,
    decode: (response) =>
      // S3 responds 405 to the version id of a delete marker; COS's page documents 404.
      response.status === 404 || (response.status === 405 && input.versionId !== undefined)
        ? pipe(
            D.drain(response),
            TE.map(() => false)
          )
        : pipe(
            head.decode(response),
            TE.map(() => true)
          )
  }
}
