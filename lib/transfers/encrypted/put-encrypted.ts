/** PUT Object with client-side encryption. */
import { identity, pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { CosError } from '../../core/error.js'
import { contextOf } from '../../core/operation.js'
import { isStream } from '../../core/body.js'
import { send, type CosEffect } from '../../client/send.js'
import type { WriteFormat } from '../../encryption/object-cipher.js'
import { recordBlocks } from '../../encryption/same-bytes.js'
import { putObject, type PutObjectInput, type PutObjectResult } from '../../operations/put-object.js'
import { withSource } from '../../stages/claim-source.js'
import { wholeObject } from '../upload/upload-encryption.js'
import { encryptBody, measureBody } from './encrypt-body.js'
import { drawDataKey } from './draw-data-key.js'
import { checkInput, closeBody, type Config } from './options.js'

/** As of `putObject`, without what needs the plaintext in COS. */
export type PutEncryptedInput = Omit<PutObjectInput, 'contentMd5' | 'picOperations'>

/** `etag`, `crc64` and `integrity` are those of the ciphertext, which COS stores. */
export interface PutEncryptedResult extends PutObjectResult {
  readonly format: WriteFormat
  /** Of the master key. */
  readonly keyId: string
}

const action = 'PutObject'

/** Checks the input as `putObject` will, before a key is drawn or a file is opened. */
const checkBeforePut = (
  config: E.Either<CosError, Config>,
  input: PutEncryptedInput
): E.Either<CosError, Config> =>
  pipe(
    config,
    E.chainFirstW(() => checkInput(action, input)),
    E.chainFirstW(() => putObject(input).request)
  )

const encryptAndPut = (config: Config, input: PutEncryptedInput): CosEffect<PutEncryptedResult> => {
  const { keys, format } = config
  const context = contextOf(action, input)
  return (client) =>
    pipe(
      measureBody(context, input),
      TE.bindTo('body'),
      TE.bind('cipher', () => drawDataKey(config, input, context)(client)),
      TE.bind('encrypted', ({ body, cipher }) =>
        encryptBody(context, body, {
          cipher,
          extent: wholeObject,
          sent: body.reads === 'again' ? O.some(recordBlocks()) : O.none
        })
      ),
      TE.chain(({ cipher, encrypted }) => {
        const { body: _body, contentLength: _contentLength, metadata, ...rest } = input
        return send(putObject({ ...rest, ...encrypted, metadata: { ...metadata, ...cipher.metadata } }))(
          client
        )
      }),
      TE.map((result) => ({ ...result, format, keyId: keys.writes.id })),
      isStream(input.body) ? withSource(context, input.body) : identity
    )
}

/** `putObject` of `encrypted`: each run of the effect draws a new data key. */
export const putEncrypted =
  (config: E.Either<CosError, Config>) =>
  (input: PutEncryptedInput): CosEffect<PutEncryptedResult> =>
  (client) =>
  async () => {
    const valid = checkBeforePut(config, input)
    if (E.isRight(valid)) return encryptAndPut(valid.right, input)(client)()
    closeBody(input)
    return valid
  }
