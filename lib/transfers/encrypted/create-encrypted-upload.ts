/** Initiate Multipart Upload with client-side encryption. */
import { pipe } from 'fp-ts/lib/function.js'
import type * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import type { CosError } from '../../core/error.js'
import { contextOf } from '../../core/operation.js'
import { refOf, type ObjectRef } from '../../core/request.js'
import { send, type CosEffect } from '../../client/send.js'
import type { ObjectCipher, WriteFormat } from '../../encryption/object-cipher.js'
import { createPartLedger, type PartLedger } from '../../encryption/part-ledger.js'
import {
  createMultipartUpload,
  type CreateMultipartUploadInput,
  type CreateMultipartUploadResult
} from '../../operations/create-multipart-upload.js'
import { drawDataKey } from './draw-data-key.js'
import { checkInput, type Config } from './options.js'

/**
 * An upload in parts, for `uploadPart` of `encrypted`. Its data key is not in the value and cannot be printed or stored: COS
 * does not return the metadata of an unfinished upload, so no other process can continue it. List, complete and abort it
 * by its `uploadId`.
 */
export interface EncryptedUpload extends CreateMultipartUploadResult {
  readonly format: WriteFormat
  /** Of the master key. */
  readonly keyId: string
}

/** What `uploadPart` needs of an upload. */
export interface UploadSecrets {
  readonly ref: ObjectRef
  readonly cipher: ObjectCipher
  readonly ledger: PartLedger
}

const secrets = new WeakMap<object, UploadSecrets>()

/** None if the value was not made by `createMultipartUpload` of `encrypted` in this process. */
export const secretsOf = (upload: unknown): O.Option<UploadSecrets> =>
  typeof upload === 'object' && upload !== null ? O.fromNullable(secrets.get(upload)) : O.none

const action = 'CreateMultipartUpload'

/** `createMultipartUpload` of `encrypted`: each run of the effect draws a new data key. */
export const createEncryptedUpload =
  (config: E.Either<CosError, Config>) =>
  (input: CreateMultipartUploadInput): CosEffect<EncryptedUpload> =>
  (client) =>
    pipe(
      TE.fromEither(config),
      TE.chainFirstEitherKW(() => checkInput(action, input)),
      TE.chainFirstEitherKW(() => createMultipartUpload(input).request),
      TE.bindTo('valid'),
      TE.bind('created', ({ valid }) => drawDataKey(valid, input, contextOf(action, input))(client)),
      TE.chain(({ valid: { format, keys }, created }) =>
        pipe(
          send(createMultipartUpload({ ...input, metadata: { ...input.metadata, ...created.metadata } }))(
            client
          ),
          TE.map((result) => {
            const upload: EncryptedUpload = Object.freeze({ ...result, format, keyId: keys.writes.id })
            secrets.set(upload, {
              ref: refOf(input),
              cipher: created,
              ledger: createPartLedger()
            })
            return upload
          })
        )
      )
    )
