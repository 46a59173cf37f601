/** Conditions on the object that is read, or on the source of a copy. */
import * as t from 'io-ts'
import * as In from '../../core/input.js'
import * as W from '../../core/wire.js'
import type { HeaderValues } from './metadata.js'

/** Dates are compared in whole seconds, COS's resolution. */
export interface Conditions {
  /** 412 unless the ETag is equal; with or without its quotes. */
  readonly ifMatch?: string
  /** 304 if the ETag is equal; with or without its quotes. */
  readonly ifNoneMatch?: string
  /** 304 unless the object changed after this. */
  readonly ifModifiedSince?: Date
  /** 412 if the object changed after this. */
  readonly ifUnmodifiedSince?: Date
}

/** COS combines match with unmodified-since, and none-match with modified-since, but no others. Failures are 412. */
export interface CopySourceConditions {
  /** The source's ETag, with or without its quotes. */
  readonly copySourceIfMatch?: string
  readonly copySourceIfNoneMatch?: string
  readonly copySourceIfModifiedSince?: Date
  readonly copySourceIfUnmodifiedSince?: Date
}

const quote = (etag: string): string => (/^(?:W\/)?"|^\*$/.test(etag) ? etag : `"${etag}"`)

/** Decodes to the ETag in quotes; `*` and an ETag in quotes stay unchanged. */
export const ETag: t.Type<string, string, unknown> = new t.Type(
  'an ETag, with or without its quotes',
  (u): u is string => typeof u === 'string' && u.trim() !== '' && In.isHeaderValue(u),
  (u, context) => (ETag.is(u) ? t.success(quote(u.trim())) : t.failure(u, context)),
  t.identity
)

/** Fields for an input's codec. */
export const conditions: In.FieldsOf<Conditions> = {
  ifMatch: In.optional(ETag),
  ifNoneMatch: In.optional(ETag),
  ifModifiedSince: In.optional(In.date),
  ifUnmodifiedSince: In.optional(In.date)
}

/** Fields for an input's codec. */
export const copySourceConditions: In.FieldsOf<CopySourceConditions> = {
  copySourceIfMatch: In.optional(ETag),
  copySourceIfNoneMatch: In.optional(ETag),
  copySourceIfModifiedSince: In.optional(In.date),
  copySourceIfUnmodifiedSince: In.optional(In.date)
}

const httpDate = (date: Date | undefined): string | undefined => date && W.HttpDate.encode(date)

export const conditionHeaders = (input: Conditions): HeaderValues => ({
  'if-match': input.ifMatch,
  'if-none-match': input.ifNoneMatch,
  'if-modified-since': httpDate(input.ifModifiedSince),
  'if-unmodified-since': httpDate(input.ifUnmodifiedSince)
})

export const copySourceConditionHeaders = (input: CopySourceConditions): HeaderValues => ({
  'x-cos-copy-source-if-match': input.copySourceIfMatch,
  'x-cos-copy-source-if-none-match': input.copySourceIfNoneMatch,
  'x-cos-copy-source-if-modified-since': httpDate(input.copySourceIfModifiedSince),
  'x-cos-copy-source-if-unmodified-since': httpDate(input.copySourceIfUnmodifiedSince)
})
