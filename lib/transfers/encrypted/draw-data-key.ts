/** The one place where a data key is drawn: once for each run of an effect. */
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { encryptionError, fromUnknown, type Context } from '../../core/error.js'
import type { ObjectRef } from '../../core/request.js'
import { tryTask } from '../../core/try-task.js'
import type { CosEffect } from '../../client/send.js'
import { createObjectCipher, type ObjectCipher } from '../../encryption/object-cipher.js'
import type { Config } from './options.js'

/**
 * Draws a data key for an object from the randomness of the client, and wraps it with the writing key.
 *
 * @errors `EncryptionError` with reason `Unsupported` if the format has no wrap for the key, or `Kms`
 */
export const drawDataKey =
  (config: Config, ref: ObjectRef, context: Context): CosEffect<ObjectCipher> =>
  ({ random }) =>
    pipe(
      tryTask(async () => createObjectCipher(config.keys.writes, ref, config, random), fromUnknown(context)),
      TE.chain((created) => pipe(created, TE.mapLeft(encryptionError(context))))
    )
