/** What COS says of a copy it has made, of an object or of a part. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import * as D from '../../core/decoder.js'
import type { Decoder } from '../../core/decoder.js'
import * as W from '../../core/wire.js'
import {
  responseMetadata,
  encryptionInfo,
  perhaps,
  Text,
  type ResponseMetadata,
  type EncryptionInfo
} from './metadata.js'

export interface CopyObjectResponse extends ResponseMetadata {
  /** Opaque, quotes included. */
  readonly etag: string
  /** To the second; none where COS wrote it in a way that is not known. */
  readonly lastModified: O.Option<Date>
  /** Of the copy, unsigned. COS does not always say it. */
  readonly crc64: O.Option<bigint>
  /** Of the copy; none where the bucket never had versioning. */
  readonly versionId: O.Option<string>
  /** Which version was copied, where one was named. */
  readonly copySourceVersionId: O.Option<string>
  readonly sse: O.Option<EncryptionInfo>
}

// The ETag alone says that the copy was made. What cannot be read beside it must not make a failure of it.
const Fields = t.type({
  ETag: Text,
  LastModified: perhaps(W.Timestamp),
  CRC64: perhaps(W.Crc64),
  VersionId: perhaps(Text)
})

/**
 * Reads a copy's answer, whose status came before its outcome was known.
 *
 * @errors `ServiceError` with status 200 where COS began a success and ended it with an error; `DecodeError` without
 *         an ETag; `TransportError` where the answer was cut short, or nothing but white space
 */
export const copyObjectResponse = (root: string): Decoder<CopyObjectResponse> =>
  pipe(
    D.fromXml(root, Fields),
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
    )
  )
