/** The response to an upload of an object or a part. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import type { CosError } from '../../core/error.js'
import { compareCrc64, type Integrity } from '../../core/integrity.js'
import type { Response } from '../../core/response.js'
import * as W from '../../core/wire.js'
import {
  responseMetadata,
  encryptionInfo,
  optional,
  readHeaders,
  Text,
  type ResponseMetadata,
  type EncryptionInfo
} from './metadata.js'

export interface WriteResult extends ResponseMetadata {
  /** Opaque, quotes included. */
  readonly etag: string
  /** COS's checksum of the stored bytes, unsigned. */
  readonly crc64: O.Option<bigint>
  /** Of the bytes sent, unsigned. */
  readonly sentCrc64: bigint
  /** The result of comparing the two checksums. */
  readonly integrity: Integrity
  readonly sse: O.Option<EncryptionInfo>
}

const Headers = t.type({ etag: Text, 'x-cos-hash-crc64ecma': optional(W.Crc64) })

/** The checksum is known at the end of the body: without it, the end was not sent. */
const sentWhole = ({ sent, context, host }: Response): E.Either<CosError, bigint> =>
  O.isSome(sent.crc64)
    ? E.right(sent.crc64.value)
    : E.left({
        _tag: 'TransportError',
        context,
        host,
        code: 'EarlyResponse',
        cause: new Error('a success arrived before the whole body was sent')
      })

/**
 * Decodes the headers of a response to an upload, and compares COS's checksum with that of the bytes sent.
 *
 * @errors `DecodeError`; `IntegrityError` if the checksums differ; `TransportError` with code `EarlyResponse` if the
 *         response came before the whole body was sent: COS stored something else, or nothing
 */
export const writeResult =
  (part: O.Option<number>) =>
  (response: Response): E.Either<CosError, WriteResult> =>
    pipe(
      readHeaders(Headers)(response),
      E.bindTo('headers'),
      E.bind('sentCrc64', () => sentWhole(response)),
      E.bindW('integrity', ({ headers }) =>
        compareCrc64(
          response.context,
          part
        )({ expected: response.sent.crc64, got: headers['x-cos-hash-crc64ecma'], ours: 'expected' })
      ),
      E.map(({ headers, sentCrc64, integrity }) => ({
        ...responseMetadata(response),
        etag: headers.etag,
        crc64: headers['x-cos-hash-crc64ecma'],
        sentCrc64,
        integrity,
        sse: encryptionInfo(response.headers)
      }))
    )
