/** The one place where a data key is drawn: once for each run of an effect. */
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { encryptionError, fromUnknown, type Context, type CosError } from '../../core/error.js'
import type { CosEffect } from '../../client/send.js'
import { createPythonDataKey, type NewDataKey } from '../../encryption/data-key.js'
import type { Config } from './options.js'

/**
 * Draws a data key from the randomness of the client, and wraps it with the writing key.
 *
 * @errors `EncryptionError` with reason `Unsupported` if the format has no wrap for the key
 */
export const drawDataKey =
  ({ keys }: Config, context: Context): CosEffect<NewDataKey> =>
  ({ random }) =>
    pipe(
      TE.tryCatch(async () => createPythonDataKey(keys.writes, random), fromUnknown(context)),
      TE.chainEitherKW((created) => created),
      TE.mapLeft((failure): CosError => ('_tag' in failure ? failure : encryptionError(context, failure)))
    )
