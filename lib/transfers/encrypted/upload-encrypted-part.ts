/** Upload Part with client-side encryption. */
import { identity, pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { invalidInput, type Context, type CosError, type InputProblem } from '../../core/error.js'
import * as In from '../../core/input.js'
import { contextOf } from '../../core/operation.js'
import { conflict, missing } from '../../core/problem.js'
import { isStream } from '../../core/body.js'
import { send, type CosEffect } from '../../client/send.js'
import type { SentBlocks } from '../../encryption/same-bytes.js'
import { uploadPart, type UploadPartInput, type UploadPartResult } from '../../operations/upload-part.js'
import { withSource } from '../../stages/claim-source.js'
import { secretsOf, type EncryptedUpload, type UploadSecrets } from './create-encrypted-upload.js'
import { encryptBody, measureBody, type MeasuredBody } from './encrypt-body.js'
import { checkInput, closeBody, type Config } from './options.js'

export interface UploadEncryptedPartInput extends Pick<
  UploadPartInput,
  | 'partNumber'
  | 'body'
  | 'contentLength'
  | 'enableMd5'
  | 'expectContinue'
  | 'sse'
  | 'trafficLimit'
  | 'headers'
  | 'query'
> {
  /** Of `createMultipartUpload` of `encrypted`, in this process. */
  readonly upload: EncryptedUpload
  /**
   * Of the part's first byte in the plaintext of the object: a multiple of 65,536, of 16 in Python's format. Parts may be
   * uploaded in any order.
   */
  readonly offset: number
  /** Whether the object ends with this part. All others have a multiple of the same number of bytes. Default: false. */
  readonly last?: boolean
}

const action = 'UploadPart'

const isMultiple = (unit: number) =>
  In.refined(In.bytes(0), `a multiple of ${String(unit)} bytes`, (offset) => offset % unit === 0)

const operationInput = (
  { ref }: UploadSecrets,
  { upload, offset: _offset, last: _last, ...rest }: UploadEncryptedPartInput
): UploadPartInput => ({ ...rest, ...ref, uploadId: upload.uploadId })

interface CheckedPart {
  readonly secrets: UploadSecrets
  readonly input: UploadPartInput
  readonly context: Context
  readonly offset: number
  readonly last: boolean
}

const check = (
  config: E.Either<CosError, Config>,
  part: UploadEncryptedPartInput
): E.Either<CosError, CheckedPart> =>
  pipe(
    config,
    E.chain(() =>
      pipe(
        secretsOf(In.fieldOf(part, 'upload')),
        E.fromOption((): CosError =>
          invalidInput(
            contextOf(action, part),
            missing('upload', 'must be made by createMultipartUpload of encrypted, in this process')
          )
        )
      )
    ),
    E.bindTo('secrets'),
    E.let('input', ({ secrets }) => operationInput(secrets, part)),
    E.let('context', ({ input }) => contextOf(action, input)),
    E.chainFirst(({ input }): E.Either<CosError, void> => checkInput(action, input)),
    E.chainFirst(({ input }): E.Either<CosError, unknown> => uploadPart(input).request),
    E.bind('offset', ({ context, secrets }) =>
      inField(context, In.check('offset', isMultiple(secrets.cipher.unit))(part.offset))
    ),
    E.bind('last', ({ context }) => inField(context, In.check('last', In.boolean)(part.last ?? false)))
  )

const inField = <A>(context: Context, checked: E.Either<InputProblem, A>): E.Either<CosError, A> =>
  E.mapLeft((problem: InputProblem): CosError => invalidInput(context, problem))(checked)

/** The size of the plaintext: part of the key stream is reserved for it before a byte is encrypted. */
const sizeOfPart = (
  { size }: MeasuredBody,
  { offset, last, secrets: { cipher } }: CheckedPart
): E.Either<InputProblem, number> => {
  if (O.isNone(size)) return E.left(missing('contentLength', 'is required for a stream body, in bytes'))
  if (size.value === 0 && !(last && offset === 0))
    return E.left(conflict('body', 'must not be empty, except as the only part of an empty object'))
  return last || size.value % cipher.unit === 0
    ? E.right(size.value)
    : E.left(
        conflict(
          'body',
          `must have a multiple of ${String(cipher.unit)} bytes unless last is true, has ${String(size.value)}`
        )
      )
}

const reservePart = (
  { context, input, offset, last, secrets: { ledger } }: CheckedPart,
  size: number
): E.Either<CosError, SentBlocks> =>
  inField(context, ledger.reserve({ partNumber: input.partNumber, offset, size, last }))

const encryptPart =
  (part: CheckedPart) =>
  (body: MeasuredBody): TE.TaskEither<CosError, UploadPartInput> => {
    const { context, input, offset, last, secrets } = part
    return pipe(
      TE.fromEither(inField(context, sizeOfPart(body, part))),
      TE.chainEitherK((size) => reservePart(part, size)),
      TE.chain((sent) =>
        encryptBody(context, body, { cipher: secrets.cipher, extent: { offset, last }, sent: O.some(sent) })
      ),
      TE.map((encrypted) => {
        const { body: _body, contentLength: _contentLength, ...rest } = input
        return { ...rest, ...encrypted }
      })
    )
  }

/**
 * `uploadPart` of `encrypted`. A part may be sent again only with the bytes that it had: others are refused before a byte
 * is encrypted with a key stream that was used.
 */
export const uploadEncryptedPart =
  (config: E.Either<CosError, Config>) =>
  (part: UploadEncryptedPartInput): CosEffect<UploadPartResult> =>
  (client) =>
  async () => {
    const checked = check(config, part)
    if (E.isLeft(checked)) {
      closeBody(part)
      return checked
    }
    const { context, input } = checked.right
    return pipe(
      measureBody(context, input),
      TE.chain(encryptPart(checked.right)),
      TE.chain((encrypted) => send(uploadPart(encrypted))(client)),
      isStream(input.body) ? withSource(context, input.body) : identity
    )()
  }
