/** The response to a copy of an object or of a part. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import * as D from '../../core/decoder.js'
import { fromXml } from '../../core/xml-decoder.js'
import type { Decoder } from '../../core/decoder.js'
import * as W from '../../core/wire.js'
import {
  responseMetadata,
  encryptionInfo,
  lenient,
  Text,
  type ResponseMetadata,
  type EncryptionInfo
} from './metadata.js'
import { withStatus } from './status.js'

export interface CopyObjectResponse extends ResponseMetadata {
  /** Opaque, quotes included. */
  readonly etag: string
  /** To the second; none if COS wrote it in an unknown form. */
  readonly lastModified: O.Option<Date>
  /** Of the copy, unsigned. COS does not always send it. */
  readonly crc64: O.Option<bigint>
  /** Of the copy; none if the bucket never had versioning. */
  readonly versionId: O.Option<string>
  /** The version that was copied, if the request named one. */
  readonly copySourceVersionId: O.Option<string>
  readonly sse: O.Option<EncryptionInfo>
}

// The ETag is the proof of a copy. Another field that cannot be read must not turn it into a failure.
const Fields = t.type({
  ETag: Text,
  LastModified: lenient(W.Timestamp),
  CRC64: lenient(W.Crc64),
  VersionId: lenient(Text)
})

/**
 * Decodes the response to a copy. COS sends its status before the outcome is known.
 *
 * @errors `ServiceError` with status 200 if COS started a success and ended it with an error; `DecodeError` without an
 *         ETag; `TransportError` if the response was cut short, or only white space
 */
export const copyObjectResponse = (root: string): Decoder<CopyObjectResponse> =>
  pipe(
    fromXml(root, Fields),
    D.chainEither((fields, response) =>
      E.right({
        ...responseMetadata(response),
        etag: fields.ETag,
        lastModified: fields.LastModified,
        crc64: pipe(
          fields.CRC64,
          O.alt(() => O.fromEither(W.Crc64.decode(response.headers['x-cos-hash-crc64ecma'])))
        ),
        versionId: pipe(
          fields.VersionId,
          O.alt(() => O.fromNullable(response.headers['x-cos-version-id']))
        ),
        copySourceVersionId: O.fromNullable(response.headers['x-cos-copy-source-version-id']),
        sse: encryptionInfo(response.headers)
      })
    ),
    withStatus(200)
  )
