/** The result of an upload by one PUT or in parts. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { combineAllCrc64 } from '../../core/crc64.js'
import type { CosError } from '../../core/error.js'
import type { PutObjectResult } from '../../operations/put-object.js'
import { completeUpload, headOptions, type PartSent } from '../multipart/complete-upload.js'
import type { CreatedUpload } from '../multipart/create-upload.js'
import type { Transfer } from '../shared/run-transfer.js'
import type { WrittenObject } from '../shared/written-object.js'
import { uploadCompleteInput, type UploadOptions } from './options.js'

export interface UploadResult extends WrittenObject {
  /** Bytes that an earlier run had sent, and this run did not send again. */
  readonly resumed: number
  /** Of all bytes sent, unsigned. */
  readonly crc64: bigint
}

/** The result of a single PUT. */
export const putResultOf =
  ({ bucket, key }: UploadOptions, size: number) =>
  ({ etag, versionId, sentCrc64, integrity, requestId }: PutObjectResult): UploadResult => ({
    bucket,
    key,
    etag,
    versionId,
    size,
    parts: 1,
    multipart: false,
    resumed: 0,
    crc64: sentCrc64,
    integrity,
    orphanedUploads: [],
    requestId
  })

/** A part that COS acknowledged, and whose bytes were hashed here. */
export interface HashedPartSent extends Omit<PartSent, 'crc64'> {
  readonly crc64: bigint
}

/** Completes the upload of these parts, in any order. `resumed`: bytes of them that an earlier run had sent. */
export const completeParts = (
  { scope, context, input }: Pick<Transfer<UploadOptions>, 'scope' | 'context' | 'input'>,
  { uploadId, orphanedUploads = [] }: Pick<CreatedUpload, 'uploadId'> & Partial<CreatedUpload>,
  sent: ReadonlyArray<HashedPartSent>,
  resumed: number
): TE.TaskEither<CosError, UploadResult> => {
  const parts = sent.toSorted((a, b) => a.number - b.number)
  const { crc64 } = combineAllCrc64(parts)
  return pipe(
    completeUpload(
      scope.client,
      context,
      uploadCompleteInput(input, uploadId),
      headOptions(input),
      parts.map((part) => ({ ...part, crc64: O.some(part.crc64) }))
    ),
    TE.map(({ etag, versionId, size, integrity, requestId }) => ({
      bucket: input.bucket,
      key: input.key,
      etag,
      versionId,
      size,
      parts: parts.length,
      multipart: true,
      resumed,
      crc64,
      integrity,
      orphanedUploads,
      requestId
    }))
  )
}
