/** The uploads that a result or an error names: COS may still have them. */
import * as E from 'fp-ts/lib/Either.js'
import type { Context, CosError } from '../../lib/core/error.js'

/** With their keys; `key` is that of the call if the value has none. */
export const namedInContext = ({
  uploadId,
  orphanedUploads = [],
  interrupted = []
}: Context): ReadonlyArray<string> => [
  ...(uploadId === undefined ? [] : [uploadId]),
  ...orphanedUploads,
  ...interrupted.flatMap(namedInContext)
]

const namedInResult = (result: unknown): ReadonlyArray<string> =>
  typeof result === 'object' && result !== null && 'orphanedUploads' in result
    ? (result.orphanedUploads as ReadonlyArray<string>)
    : []

export const namedUploads = (result: E.Either<CosError, unknown>): ReadonlySet<string> =>
  new Set(E.isLeft(result) ? namedInContext(result.left.context) : namedInResult(result.right))

/** Whether the call says that there may be uploads whose ids it does not know. */
export const mayHaveUnknown = ({ mayHaveUnknownUpload, interrupted = [] }: Context): boolean =>
  mayHaveUnknownUpload === true || interrupted.some(mayHaveUnknown)
