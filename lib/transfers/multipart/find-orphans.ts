/** Uploads that COS may have created for a request whose response was lost. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import * as T from 'fp-ts/lib/Task.js'
import type { ObjectRef } from '../../core/request.js'
import type { Client } from '../../client/client.js'
import { withRetry, withTimeout } from '../../client/combinators.js'
import type { CosEffect } from '../../client/send.js'
import { findUpload, foldUploads } from './find-resumable.js'

/** Limit of the search, in milliseconds: it must not delay a transfer whose server is silent. */
const searchTimeout = 5000

/** COS's dates have whole seconds, and its `Initiated` may be rounded: in milliseconds. */
const tolerance = 2000

/** The number of uploads whose parts are listed, at most. */
const most = 10

const createdSince = (ref: ObjectRef, elapsed: number, ours: string | undefined) =>
  foldUploads<ReadonlyArray<string>>(ref, [], (found, { uploadId, age }) =>
    age <= elapsed + tolerance && uploadId !== ours ? [...found, uploadId].slice(-most) : found
  )

/**
 * The uploads of exactly this key that were created in the last `elapsed` milliseconds, by COS's clock, and have no parts.
 *
 * COS lists nothing that tells an upload that nobody knows of from one that another run has just created and will fill. So
 * they are aborted only if the caller says that nobody else uploads to this key: `onOrphanedUpload`.
 *
 * @shape  `ours` is not among them; `None` if the search fails
 */
export const findOrphans = (
  ref: ObjectRef,
  elapsed: number,
  ours?: string
): ((client: Client) => T.Task<O.Option<ReadonlyArray<string>>>) => {
  const isEmpty = (uploadId: string): CosEffect<ReadonlyArray<string>> =>
    pipe(
      findUpload(ref, uploadId),
      RTE.map((found) => (found._tag === 'Some' && found.value.parts.size === 0 ? [uploadId] : []))
    )
  const search = pipe(
    createdSince(ref, elapsed, ours),
    RTE.chain(RTE.traverseSeqArray(isEmpty)),
    RTE.map((ids) => ids.flat()),
    withRetry({ attempts: 1 }),
    withTimeout(searchTimeout)
  )
  return (client) => pipe(search(client), T.map(O.fromEither))
}
