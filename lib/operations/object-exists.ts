/** Whether there is an object: a HEAD whose 404 is an answer. */
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as D from '../core/decoder.js'
import type * as Op from '../core/operation.js'
import { headObject, type HeadObjectInput } from './head-object.js'

/**
 * Asks whether an object, or one version of it, is there. A delete marker is not.
 *
 * @shape  `HeadObjectInput -> Operation<boolean>`
 * @errors as `headObject`, but for 404. A missing bucket is `false` too: HEAD does not tell the two apart
 * @source https://cloud.tencent.com/document/product/436/7745
 */
export const objectExists = (input: HeadObjectInput): Op.Operation<boolean> => {
  const head = headObject(input)
  return {
    ...head,
    decode: (response) =>
      // 405 is what S3 says of a delete marker named by its version; COS's page says 404.
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
