/** The response to an upload of an object or a part. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { CosError } from '../../core/error.js'
import { compareCrc64, type Integrity } from '../../core/integrity.js'
import type { Response } from '../../core/response.js'
import * as W from '../../core/wire.js'
import * as H from './header-fields.js'
import { encryptionInfo, requestIdOf, type EncryptionInfo, type ResponseMetadata } from './metadata.js'

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
  (response: Response): E.Either<CosError, WriteResult> => {
    const stored = H.readFields(response, (fields) => ({
      etag: H.text(fields, 'etag'),
      crc64: H.optional(fields, 'x-cos-hash-crc64ecma', W.Crc64)
    }))
    if (E.isLeft(stored)) return stored
    const sent = sentWhole(response)
    if (E.isLeft(sent)) return sent
    const { etag, crc64 } = stored.right
    const compare = compareCrc64(response.context, part)
    const integrity = compare({ expected: response.sent.crc64, got: crc64, ours: 'expected' })
    if (E.isLeft(integrity)) return integrity
    return E.right({
      requestId: requestIdOf(response.headers),
      headers: response.headers,
      etag,
      crc64,
      sentCrc64: sent.right,
      integrity: integrity.right,
      sse: encryptionInfo(response.headers)
    })
  }
