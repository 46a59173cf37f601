/** The attributes of an object, in the headers of HEAD and GET. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import type { CosError } from '../../core/error.js'
import type { Response } from '../../core/response.js'
import { decodeMetadata } from '../../core/metadata-text.js'
import * as W from '../../core/wire.js'
import type { StorageClass } from '../parameters/storage.js'
import {
  responseMetadata,
  encryptionInfo,
  lenient,
  optional,
  readHeaders,
  readOnly,
  Text,
  type ResponseMetadata,
  type EncryptionInfo
} from './metadata.js'

/** Restore state of an archived object. `expiry`: when the readable copy is removed. */
export interface Restore {
  readonly ongoing: boolean
  readonly expiry: O.Option<Date>
}

export interface RestoreStatus {
  /** `expedited`, `standard` or `bulk`. */
  readonly tier: string
  readonly requestDate: O.Option<Date>
}

export interface ObjectAttributes extends ResponseMetadata {
  /** Opaque, quotes included: send it back unchanged. */
  readonly etag: string
  /** To the second; none if a proxy removed it, or in an unknown form. */
  readonly lastModified: O.Option<Date>
  readonly contentType: O.Option<string>
  readonly cacheControl: O.Option<string>
  readonly contentDisposition: O.Option<string>
  readonly contentEncoding: O.Option<string>
  readonly contentLanguage: O.Option<string>
  /** As stored; COS does not check that it is a date. */
  readonly expires: O.Option<string>
  /** Names in lower case, without the `x-cos-meta-` prefix. Percent-encoded UTF-8 is decoded; `headers` has it as sent. */
  readonly metadata: Readonly<Record<string, string>>
  /** Of the whole object, unsigned; none for objects stored before COS computed checksums. */
  readonly crc64: O.Option<bigint>
  /** `STANDARD` if COS sends none. */
  readonly storageClass: StorageClass
  /** `FREQUENT` or `INFREQUENT`; of objects with intelligent tiering only. */
  readonly storageTier: O.Option<string>
  /** `normal` or `appendable`. */
  readonly objectType: O.Option<string>
  /** In bytes; of appendable objects only. */
  readonly nextAppendPosition: O.Option<number>
  /** None if the bucket never had versioning. */
  readonly versionId: O.Option<string>
  readonly restore: O.Option<Restore>
  readonly restoreStatus: O.Option<RestoreStatus>
  readonly taggingCount: O.Option<number>
  readonly replicationStatus: O.Option<string>
  readonly sse: O.Option<EncryptionInfo>
}

const quotedDate = (text: string, name: string): O.Option<Date> =>
  pipe(
    O.fromNullable(new RegExp(`${name}="([^"]*)"`).exec(text)?.[1]),
    O.chain((date) => O.fromEither(W.HttpDate.decode(date)))
  )

/** `ongoing-request="false", expiry-date="Tue, 19 Nov 2024 16:00:00 GMT"` */
const RestoreText = readOnly<Restore>('ongoing-request="true" or "false"', (text) => {
  const ongoing = /ongoing-request="(true|false)"/i.exec(text)?.[1]
  return ongoing === undefined
    ? undefined
    : { ongoing: ongoing.toLowerCase() === 'true', expiry: quotedDate(text, 'expiry-date') }
})

/** `tier="bulk"; request-date="Mon, 18 Nov 2024 09:34:50 GMT"` */
const RestoreStatusText = readOnly<RestoreStatus>('tier="..."', (text) => {
  const tier = /tier="([^"]*)"/.exec(text)?.[1]
  return tier === undefined ? undefined : { tier, requestDate: quotedDate(text, 'request-date') }
})

const Headers = t.type({
  etag: Text,
  'last-modified': lenient(W.HttpDate),
  'content-type': optional(Text),
  'cache-control': optional(Text),
  'content-disposition': optional(Text),
  'content-encoding': optional(Text),
  'content-language': optional(Text),
  expires: optional(Text),
  'x-cos-hash-crc64ecma': optional(W.Crc64),
  'x-cos-storage-class': optional(Text),
  'x-cos-storage-tier': optional(Text),
  'x-cos-object-type': optional(Text),
  'x-cos-next-append-position': optional(W.ByteCount),
  'x-cos-version-id': optional(Text),
  'x-cos-restore': optional(RestoreText),
  'x-cos-restore-status': optional(RestoreStatusText),
  'x-cos-tagging-count': optional(W.ByteCount),
  'x-cos-replication-status': optional(Text)
})

const metaPrefix = 'x-cos-meta-'

export const metadataOf = (headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      name.startsWith(metaPrefix) ? [[name.slice(metaPrefix.length), decodeMetadata(value)]] : []
    )
  )

/**
 * Decodes the attributes of an object from the headers of a response.
 *
 * @errors `DecodeError` if the ETag is missing, or another header than the date is invalid
 */
export const objectAttributes = (response: Response): E.Either<CosError, ObjectAttributes> =>
  pipe(
    readHeaders(Headers)(response),
    E.map((headers) => ({
      ...responseMetadata(response),
      etag: headers.etag,
      lastModified: headers['last-modified'],
      contentType: headers['content-type'],
      cacheControl: headers['cache-control'],
      contentDisposition: headers['content-disposition'],
      contentEncoding: headers['content-encoding'],
      contentLanguage: headers['content-language'],
      expires: headers.expires,
      metadata: metadataOf(response.headers),
      crc64: headers['x-cos-hash-crc64ecma'],
      storageClass: O.getOrElse(() => 'STANDARD')(headers['x-cos-storage-class']),
      storageTier: headers['x-cos-storage-tier'],
      objectType: headers['x-cos-object-type'],
      nextAppendPosition: headers['x-cos-next-append-position'],
      versionId: headers['x-cos-version-id'],
      restore: headers['x-cos-restore'],
      restoreStatus: headers['x-cos-restore-status'],
      taggingCount: headers['x-cos-tagging-count'],
      replicationStatus: headers['x-cos-replication-status'],
      sse: encryptionInfo(response.headers)
    }))
  )
