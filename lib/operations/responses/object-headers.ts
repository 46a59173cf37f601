/** The attributes of an object, in the headers of HEAD and GET. */
import { pipe } from 'fp-ts/lib/function.js'
import type * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type { CosError } from '../../core/error.js'
import type { Response } from '../../core/response.js'
import { decodeMetadata } from '../../core/metadata-text.js'
import { setEntry } from '../../core/set-entry.js'
import * as W from '../../core/wire.js'
import type { StorageClass } from '../parameters/storage.js'
import * as H from './header-fields.js'
import {
  encryptionInfo,
  readOnly,
  requestIdOf,
  type EncryptionInfo,
  type ResponseMetadata
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

const metaPrefix = 'x-cos-meta-'

export const metadataOf = (headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> => {
  const metadata: Record<string, string> = {}
  for (const name of Object.keys(headers)) {
    if (name.startsWith(metaPrefix)) {
      setEntry(metadata, name.slice(metaPrefix.length), decodeMetadata(headers[name] ?? ''))
    }
  }
  return metadata
}

const attributesOf = (fields: H.HeaderFields): ObjectAttributes => ({
  requestId: requestIdOf(fields.headers),
  headers: fields.headers,
  etag: H.text(fields, 'etag'),
  lastModified: H.lenient(fields, 'last-modified', W.HttpDate),
  contentType: H.optionalText(fields, 'content-type'),
  cacheControl: H.optionalText(fields, 'cache-control'),
  contentDisposition: H.optionalText(fields, 'content-disposition'),
  contentEncoding: H.optionalText(fields, 'content-encoding'),
  contentLanguage: H.optionalText(fields, 'content-language'),
  expires: H.optionalText(fields, 'expires'),
  metadata: metadataOf(fields.headers),
  crc64: H.optional(fields, 'x-cos-hash-crc64ecma', W.Crc64),
  storageClass: fields.headers['x-cos-storage-class'] || 'STANDARD',
  storageTier: H.optionalText(fields, 'x-cos-storage-tier'),
  objectType: H.optionalText(fields, 'x-cos-object-type'),
  nextAppendPosition: H.optional(fields, 'x-cos-next-append-position', W.ByteCount),
  versionId: H.optionalText(fields, 'x-cos-version-id'),
  restore: H.optional(fields, 'x-cos-restore', RestoreText),
  restoreStatus: H.optional(fields, 'x-cos-restore-status', RestoreStatusText),
  taggingCount: H.optional(fields, 'x-cos-tagging-count', W.ByteCount),
  replicationStatus: H.optionalText(fields, 'x-cos-replication-status'),
  sse: encryptionInfo(fields.headers)
})

/**
 * Decodes the attributes of an object from the headers of a response.
 *
 * @errors `DecodeError` if the ETag is missing, or another header than the date is invalid
 */
export const objectAttributes = (response: Response): E.Either<CosError, ObjectAttributes> =>
  H.readFields(response, attributesOf)
