/** GET Object of an encrypted object: the plaintext of the object or of a range. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import {
  CosException,
  encryptionError,
  invalidInput,
  type CosError,
  type EncryptionProblem
} from '../../core/error.js'
import * as In from '../../core/input.js'
import { unverifiable, type Integrity } from '../../core/integrity.js'
import { contextOf } from '../../core/operation.js'
import { send, type CosEffect } from '../../client/send.js'
import { planDecryption, type Decrypt, type DecryptPlan, type StoredBytes } from '../../encryption/decrypt.js'
import type { Envelope } from '../../encryption/envelope.js'
import { userMetadata } from '../../encryption/metadata-names.js'
import type { WantedRange } from '../../encryption/extent.js'
import { encryptionProblem } from '../../encryption/problem.js'
import { checkName } from '../../encryption/sealed-key.js'
import { requestedRange } from '../../encryption/sealed-object.js'
import { unwrapSealed } from '../../encryption/sealed-wrap.js'
import { unwrapDataKey, type UnwrappedKey } from '../../encryption/unwrap.js'
import { getObject, type GetObjectInput, type GetObjectResult } from '../../operations/get-object.js'
import type { ContentExtent } from '../../operations/responses/content-extent.js'
import { trackBody } from '../../operations/responses/tracked-body.js'
import { toBuffer } from '../download/to-buffer.js'
import { findEnvelope } from './find-envelope.js'
import { checkInput, type Config, type ReadFormat } from './options.js'

/** `range` is one of the plaintext. */
export interface GetEncryptedInput extends Omit<GetObjectInput, 'acceptEncoding'> {
  /**
   * Reads the last segment of a sealed object too, before a range is returned: a cut end is then `Truncated`. It takes one more
   * request, unless the range has the end. Default: false, a range proves its own bytes alone.
   */
  readonly wholeEnd?: boolean
}

/** Without the option that the operation does not know. */
type ReadInput = Omit<GetEncryptedInput, 'wholeEnd'>

/**
 * `body`, `size`, `contentLength` and `contentRange` are those of the plaintext; `etag`, `crc64` and `headers` those of the
 * stored object. `verified` compares the CRC64 of the ciphertext, and fails if the decryption fails.
 */
export interface DecryptedObject extends GetObjectResult {
  readonly format: ReadFormat
  /** Of the master key that decrypted the data key; none for a plain object. */
  readonly keyId: O.Option<string>
  /** Of the ciphertext, in bytes; none if the response does not have it. */
  readonly storedSize: O.Option<number>
  /**
   * Whether the end of the body proves that its bytes are those of the writer: for sealed objects and their ranges, and for
   * the whole of a `java-gcm` object. Anyone who can write to the bucket can change all others unnoticed.
   */
  readonly isAuthenticated: boolean
}

const action = 'GetObject'

const failAs =
  ({ context }: GetObjectResult) =>
  (problem: EncryptionProblem): CosError =>
    encryptionError(context, problem)

/** As of a plain object of the same size. */
const beyondEnd = ({ context, requestId, headers }: GetObjectResult): CosError => ({
  _tag: 'ServiceError',
  context,
  status: 416,
  code: 'InvalidRange',
  message: 'the range begins after the end of the plaintext',
  resource: '',
  requestId,
  traceId: headers['x-cos-trace-id'] ?? '',
  headers
})

const storedBytes = ({ size, contentRange }: GetObjectResult): StoredBytes =>
  O.isSome(contentRange)
    ? { span: contentRange.value, size }
    : { span: { first: 0, last: O.isSome(size) ? size.value - 1 : Number.POSITIVE_INFINITY }, size }

/** The plaintext has a `contentRange` if the response has one. */
const extentOf = (
  { contentRange }: GetObjectResult,
  { span, size }: Extract<DecryptPlan, { readonly _tag: 'Decrypt' }>
): ContentExtent => {
  const isPart = O.isSome(contentRange) && O.isSome(span)
  return {
    size,
    contentLength: isPart ? O.some(span.value.last - span.value.first + 1) : size,
    contentRange: isPart ? O.some({ ...span.value, size }) : O.none
  }
}

const decryptedBody = (
  { body, context, verified }: GetObjectResult,
  decrypt: Decrypt
): Pick<GetObjectResult, 'body' | 'verified'> => {
  const ciphertext: AsyncIterable<Uint8Array> = body
  async function* read(): AsyncGenerator<Uint8Array, Integrity, undefined> {
    yield* decrypt(ciphertext)
    const integrity = await verified()
    if (E.isLeft(integrity)) throw new CosException(integrity.left)
    return integrity.right
  }
  const { bytes, outcome } = trackBody({ body, context, host: '' }, () => unverifiable('Unread'), read())
  return { body: bytes, verified: outcome }
}

interface Opened {
  readonly format: ReadFormat
  readonly envelope: Envelope
  readonly unwrapped: UnwrappedKey
}

const unwrap = (
  config: Config,
  ref: ReadInput,
  envelope: Envelope
): TE.TaskEither<EncryptionProblem, UnwrappedKey> =>
  envelope.cipher === 'sealed'
    ? pipe(
        unwrapSealed(config.keys, envelope.header),
        TE.chainFirstEitherK(() => (config.bindsName ? checkName(envelope.header, ref) : E.right(undefined)))
      )
    : unwrapDataKey(config.keys, envelope, config)

const toPlan = (
  { envelope, unwrapped }: Opened,
  input: ReadInput,
  response: GetObjectResult
): E.Either<CosError, DecryptPlan> =>
  pipe(
    planDecryption(
      envelope,
      unwrapped.dataKey,
      O.fromNullable(input.range),
      storedBytes(response),
      response.context
    ),
    E.mapLeft(failAs(response))
  )

/** The same version of the object, or an error. */
const requestSpan =
  (input: ReadInput, { etag }: GetObjectResult, range: WantedRange): CosEffect<GetObjectResult> =>
  (client) =>
    pipe(
      send(getObject({ ...input, range, ifMatch: etag }))(client),
      TE.mapLeft((error): CosError =>
        error._tag === 'ServiceError' && error.status === 412
          ? { _tag: 'ObjectChanged', context: error.context, expected: etag, got: O.none }
          : error
      )
    )

const toDecrypted = (
  { format, unwrapped }: Opened,
  response: GetObjectResult,
  plan: Extract<DecryptPlan, { readonly _tag: 'Decrypt' }>
): DecryptedObject => ({
  ...response,
  ...extentOf(response, plan),
  ...decryptedBody(response, plan.decrypt),
  metadata: userMetadata(response.metadata),
  format,
  keyId: O.some(unwrapped.master.id),
  storedSize: response.size,
  isAuthenticated: plan.isAuthenticated
})

const openWith =
  (opened: Opened, input: ReadInput, wholeEnd = false) =>
  (response: GetObjectResult): CosEffect<DecryptedObject> =>
    pipe(
      RTE.fromEither(toPlan(opened, input, response)),
      RTE.chain((plan): CosEffect<DecryptedObject> => {
        if (plan._tag === 'Decrypt')
          return pipe(
            wholeEnd ? checkEnd(opened, input, response, plan) : RTE.right(undefined),
            RTE.map(() => toDecrypted(opened, response, plan))
          )
        if (plan._tag === 'Beyond') return RTE.left(beyondEnd(response))
        response.body.destroy()
        return pipe(
          requestSpan(input, response, plan.span),
          RTE.chain(closeOnFailure(openWith(opened, input, wholeEnd)))
        )
      })
    )

/** A body that nobody will read keeps its connection. */
const closeOnFailure =
  (open: (response: GetObjectResult) => CosEffect<DecryptedObject>) =>
  (response: GetObjectResult): CosEffect<DecryptedObject> =>
  (client) =>
    pipe(
      open(response)(client),
      TE.mapLeft((error) => {
        response.body.destroy()
        return error
      })
    )

const plainObject = (response: GetObjectResult): DecryptedObject => ({
  ...response,
  format: 'plain',
  keyId: O.none,
  storedSize: response.size,
  isAuthenticated: false
})

const openResponse =
  (config: Config, input: ReadInput, wholeEnd: boolean) =>
  (response: GetObjectResult): CosEffect<DecryptedObject> =>
    pipe(
      findEnvelope(config, input, response),
      RTE.chain(({ format, envelope }): CosEffect<DecryptedObject> => {
        if (O.isNone(envelope))
          return wholeEnd ? RTE.left(failAs(response)(noEnd)) : RTE.right(plainObject(response))
        return pipe(
          RTE.fromTaskEither(unwrap(config, input, envelope.value)),
          RTE.mapLeft(failAs(response)),
          RTE.chain((unwrapped) =>
            openWith({ format, envelope: envelope.value, unwrapped }, input, wholeEnd)(response)
          )
        )
      })
    )

const isBeyond = (error: CosError): boolean => error._tag === 'ServiceError' && error.status === 416

/**
 * Requests a range as the first accepted format stores it. An object of another format may end before such a range, so that
 * the range of the plaintext is requested then.
 */
const request =
  ({ accepts }: Config, input: ReadInput): CosEffect<GetObjectResult> =>
  (client) => {
    const [presumed] = accepts
    const plain = send(getObject(input))
    if (input.range === undefined || presumed !== 'sealed' || E.isLeft(getObject(input).request))
      return plain(client)
    return pipe(
      send(getObject({ ...input, range: requestedRange(input.range) }))(client),
      TE.orElse((error) => (isBeyond(error) ? plain(client) : TE.left(error)))
    )
  }

const checkWholeEnd = (input: ReadInput, wholeEnd: unknown): E.Either<CosError, unknown> =>
  pipe(
    In.check('wholeEnd', In.boolean)(wholeEnd ?? false),
    E.mapLeft((problem): CosError => invalidInput(contextOf(action, input), problem))
  )

const noEnd = encryptionProblem(
  'Unsupported',
  'wholeEnd needs a sealed object: no other format has an end to check'
)

/** Opens the last byte of the plaintext: the segment that has it is sealed with the mark of the end. */
const checkEnd = (
  opened: Opened,
  input: ReadInput,
  response: GetObjectResult,
  plan: Extract<DecryptPlan, { readonly _tag: 'Decrypt' }>
): CosEffect<unknown> => {
  if (!plan.isAuthenticated) return RTE.left(failAs(response)(noEnd))
  if (plan.hasEnd) return RTE.right(undefined)
  const last = { suffix: 1 }
  return pipe(
    requestSpan(input, response, requestedRange(last)),
    RTE.chain(closeOnFailure(openWith(opened, { ...input, range: last }))),
    RTE.chain(toBuffer(1))
  )
}

/** `getObject` of `encrypted`: one request, or two if the range lies elsewhere in the ciphertext. */
export const getEncrypted =
  (config: E.Either<CosError, Config>) =>
  ({ wholeEnd, ...input }: GetEncryptedInput): CosEffect<DecryptedObject> =>
    pipe(
      RTE.fromEither(config),
      RTE.chainFirstEitherK((): E.Either<CosError, void> => checkInput(action, input)),
      RTE.chainFirstEitherK(() => checkWholeEnd(input, wholeEnd)),
      RTE.chain((valid) =>
        pipe(request(valid, input), RTE.chain(closeOnFailure(openResponse(valid, input, wholeEnd === true))))
      )
    )
