/** Access control of an object: its ACL and its grants. */
import * as t from 'io-ts'
import * as In from '../../core/input.js'
import { textOr } from './validation.js'
import type { HeaderValues } from './metadata.js'

/** `default` inherits the bucket's. Prefer it: an account has at most 1,000 ACLs. */
export type Acl =
  | 'default'
  | 'private'
  | 'public-read'
  | 'public-read-write'
  | 'authenticated-read'
  | 'bucket-owner-read'
  | 'bucket-owner-full-control'
  | (string & {})

export interface Grantee {
  /** Digits of a root account, or `qcs::cam::uin/...:uin/...` of a sub-account. */
  readonly id: string
}

/** Grantees, or the text of the header, such as `id="100000000001",id="100000000002"`. */
export type Grants = ReadonlyArray<Grantee> | string

export interface AccessControl {
  readonly acl?: Acl
  readonly grantRead?: Grants
  /** For buckets; COS accepts it for objects without an effect. */
  readonly grantWrite?: Grants
  readonly grantReadAcp?: Grants
  readonly grantWriteAcp?: Grants
  readonly grantFullControl?: Grants
}

const Grantee: t.Type<Grantee, Grantee, unknown> = In.struct<Grantee>('a grantee, { id }', {
  id: In.guarded(
    'the id of an account, without quotes',
    (u): u is string => typeof u === 'string' && /^[^"\s,]+$/.test(u) && In.isHeaderValue(u)
  )
})

const Grantees = In.refined(
  t.readonlyArray(Grantee, 'a list of { id }'),
  'a list of at least one { id }',
  (grantees) => grantees.length > 0
)

const grantText = (grantees: ReadonlyArray<Grantee>): string =>
  grantees.map(({ id }) => `id="${id}"`).join(',')

const GrantsCodec = textOr<ReadonlyArray<Grantee>>(In.headerValue, Grantees)

/** Fields for an input's codec. */
export const accessControl: In.FieldsOf<AccessControl> = {
  acl: In.optional(In.headerValue),
  grantRead: In.optional(GrantsCodec),
  grantWrite: In.optional(GrantsCodec),
  grantReadAcp: In.optional(GrantsCodec),
  grantWriteAcp: In.optional(GrantsCodec),
  grantFullControl: In.optional(GrantsCodec)
}

const text = (grants: Grants | undefined): string | undefined =>
  grants === undefined || typeof grants === 'string' ? grants : grantText(grants)

export const accessHeaders = (input: AccessControl): HeaderValues => ({
  'x-cos-acl': input.acl,
  'x-cos-grant-read': text(input.grantRead),
  'x-cos-grant-write': text(input.grantWrite),
  'x-cos-grant-read-acp': text(input.grantReadAcp),
  'x-cos-grant-write-acp': text(input.grantWriteAcp),
  'x-cos-grant-full-control': text(input.grantFullControl)
})
