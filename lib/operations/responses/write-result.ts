/** What COS says of bytes it has just stored. */
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
  maybe,
  readHeaders,
  Text,
  type ResponseMetadata,
  type EncryptionInfo
} from './metadata.js'

export interface WriteResult extends ResponseMetadata {
  /** Opaque, quotes included. */
  readonly etag: string
  /** COS's, unsigned. */
  readonly crc64: O.Option<bigint>
  /** Of the bytes that were sent, unsigned. */
  readonly sentCrc64: bigint
  /** Whether COS's checksum is that of the bytes that were sent. */
  readonly integrity: Integrity
  readonly sse: O.Option<EncryptionInfo>
}

const Headers = t.type({ etag: Text, 'x-cos-hash-crc64ecma': maybe(W.Crc64) })

/** The checksum is counted to the end of the body: without one, the end was never sent. */
const sentWhole = ({ sent, context, host }: Response): E.Either<CosError, bigint> =>
  O.isSome(sent.crc64)
    ? E.right(sent.crc64.value)
    : E.left({
        _tag: 'TransportError',
        context,
        host,
        code: 'EarlyAnswer',
        cause: new Error('a success came before the body had been sent')
      })

/**
 * Reads the head of an answer to an upload, and compares COS's checksum with what was counted on the way up.
 *
 * @errors `DecodeError`; `IntegrityError` where the checksums differ; `TransportError` with code `EarlyAnswer` where the
 *         answer came before the whole body was on its way: whatever was stored, it is not that body
 */
export const writeResult =
  (part: O.Option<number>) =>
  (response: Response): E.Either<CosError, WriteResult> =>
    pipe(
      readHeaders(Headers)(response),
      E.bindTo('headers'),
      E.bind('sentCrc64', () => sentWhole(response)),
      E.bindW('integrity', ({ headers }) =>
        compareCrc64(response.context, { part })(response.sent.crc64, headers['x-cos-hash-crc64ecma'])
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
