/** The result of a read: the response of COS with the plaintext in place of the ciphertext. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import { CosException, type CosError } from '../../core/error.js'
import { unverifiable, type Integrity } from '../../core/integrity.js'
import type { Decrypt, DecryptPlan, StoredBytes } from '../../encryption/decrypt.js'
import type { MasterKey } from '../../encryption/master-key.js'
import { userMetadata } from '../../encryption/metadata-names.js'
import type { GetObjectResult } from '../../operations/get-object.js'
import type { ContentExtent } from '../../operations/responses/content-extent.js'
import { trackBody } from '../../operations/responses/tracked-body.js'
import type { ReadFormat } from './options.js'

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

export type PlannedDecryption = Extract<DecryptPlan, { readonly _tag: 'Decrypt' }>

/** The error of a range beyond the plaintext, as of a plain object of its size. */
export const beyondEnd = ({ context, requestId, headers }: GetObjectResult): CosError => ({
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

/** The ciphertext that a response has. */
export const storedBytes = ({ size, contentRange }: GetObjectResult): StoredBytes =>
  O.isSome(contentRange)
    ? { span: contentRange.value, size }
    : { span: { first: 0, last: O.isSome(size) ? size.value - 1 : Number.POSITIVE_INFINITY }, size }

/** The plaintext has a `contentRange` if the response has one. */
const extentOf = ({ contentRange }: GetObjectResult, { span, size }: PlannedDecryption): ContentExtent => {
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

/** The plaintext of a response, by its plan. */
export const toDecrypted = (
  format: ReadFormat,
  master: MasterKey,
  response: GetObjectResult,
  plan: PlannedDecryption
): DecryptedObject => ({
  ...response,
  ...extentOf(response, plan),
  ...decryptedBody(response, plan.decrypt),
  metadata: userMetadata(response.metadata),
  format,
  keyId: O.some(master.id),
  storedSize: response.size,
  isAuthenticated: plan.isAuthenticated
})

/** A response that is not encrypted. */
export const toPlain = (response: GetObjectResult): DecryptedObject => ({
  ...response,
  format: 'plain',
  keyId: O.none,
  storedSize: response.size,
  isAuthenticated: false
})
