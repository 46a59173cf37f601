/** The completion of a multipart upload, and the verification of its object. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { combineAllCrc64 } from '../../core/crc64.js'
import type { Context, CosError } from '../../core/error.js'
import { compareCrc64 } from '../../core/integrity.js'
import * as Op from '../../core/operation.js'
import { refOf } from '../../core/request.js'
import type { Client } from '../../client/client.js'
import { send } from '../../client/send.js'
import {
  completeMultipartUpload,
  type CompleteMultipartUploadInput
} from '../../operations/complete-multipart-upload.js'
import { headIfSame, type ExpectedContent } from '../../operations/head-if-same.js'
import { headObject, type HeadObjectInput } from '../../operations/head-object.js'
import type { WithEncryption } from '../../operations/parameters/encryption.js'
import type { WrittenObject } from '../shared/written-object.js'

/** One part that COS acknowledged. */
export interface PartSent {
  readonly number: number
  readonly etag: string
  /** In bytes. */
  readonly size: number
  /** None for a copied part whose checksum COS did not send. */
  readonly crc64: O.Option<bigint>
}

export interface CompleteResult extends Pick<
  WrittenObject,
  'etag' | 'versionId' | 'size' | 'parts' | 'integrity' | 'requestId'
> {
  readonly location: O.Option<string>
  /** Of the whole object, unsigned, as expected; none if that is not known. */
  readonly crc64: O.Option<bigint>
}

/** Parameters that a HEAD must repeat. */
export type HeadOptions = Pick<HeadObjectInput, 'sse'>

/** A customer's key goes with every request that carries or describes object bytes; COS's own encryption does not. */
export const headOptions = ({ sse }: WithEncryption): HeadOptions => (sse?.type === 'C' ? { sse } : {})

/** Of the parts together, unsigned; none if the checksum of one of them is not known. */
export const crc64Of = (parts: ReadonlyArray<PartSent>): O.Option<bigint> => {
  const known = parts.flatMap(({ crc64, size }) => (O.isSome(crc64) ? [{ crc64: crc64.value, size }] : []))
  return known.length === parts.length ? O.some(combineAllCrc64(known).crc64) : O.none
}

const sizeOf = (parts: ReadonlyArray<PartSent>): number => parts.reduce((sum, { size }) => sum + size, 0)

type CompletedObject = Pick<CompleteResult, 'etag' | 'versionId' | 'location' | 'requestId' | 'crc64'>

/**
 * If an earlier attempt of a completion succeeded and its response was lost, its retry is refused: the upload no longer
 * exists (404), or the object does (409, with `forbidOverwrite`). Then the object has our size and checksum. An object with
 * another checksum is not ours.
 */
const confirmCompletion =
  (input: HeadObjectInput, expected: ExpectedContent): Op.Confirm<CompletedObject> =>
  ({ code, status }) =>
    O.isSome(expected.crc64) && (code === 'NoSuchUpload' || status === 409)
      ? O.some(() =>
          pipe(headIfSame(input, expected), Op.map(O.map((found) => ({ ...found, location: O.none }))))
        )
      : O.none

/**
 * Completes an upload and compares the combined CRC64 of its parts with COS's: that of the response, or of a HEAD if
 * the response has none, as after a slow completion. `ours` is the expected CRC64, if it is known otherwise.
 *
 * @errors those of Complete Multipart Upload; `IntegrityError` if COS assembled other bytes
 */
export const completeUpload = (
  client: Client,
  context: Context,
  input: Omit<CompleteMultipartUploadInput, 'parts'>,
  head: HeadOptions,
  parts: ReadonlyArray<PartSent>,
  ours: O.Option<bigint> = crc64Of(parts)
): TE.TaskEither<CosError, CompleteResult> =>
  pipe(
    completeMultipartUpload({
      ...input,
      parts: parts.map(({ number, etag }) => ({ partNumber: number, etag }))
    }),
    Op.map((completed): CompletedObject => completed),
    Op.withConfirm(confirmCompletion({ ...refOf(input), ...head }, { size: sizeOf(parts), crc64: ours })),
    (operation) => send(operation)(client),
    TE.chain((done) =>
      O.isSome(done.crc64) || O.isNone(ours)
        ? TE.right(done)
        : pipe(
            send(headObject({ ...refOf(input), ...head }))(client),
            // The upload has succeeded even if this HEAD fails.
            TE.match(
              () => done,
              (found) => (found.etag === done.etag ? { ...done, crc64: found.crc64 } : done)
            ),
            TE.fromTask
          )
    ),
    TE.chainEitherKW(({ etag, versionId, location, requestId, crc64 }) =>
      pipe(
        compareCrc64(context)({ expected: ours, got: crc64, ours: 'expected' }),
        E.map((integrity) => ({
          etag,
          versionId,
          location,
          requestId,
          integrity,
          crc64: ours,
          size: sizeOf(parts),
          parts: parts.length
        }))
      )
    )
  )
