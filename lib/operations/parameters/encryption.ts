/** Server-side encryption: with keys of COS, of KMS, or of the caller. */
import { createHash } from 'node:crypto'
import * as t from 'io-ts'
import * as In from '../../core/input.js'
import { choose, byTag } from './validation.js'
import type { HeaderValues } from './metadata.js'

/** The caller's own key. COS does not store it: each read must send it again. */
export interface CustomerKey {
  readonly type: 'C'
  /** 32 bytes. Sent to COS with every request, therefore only over `https`; never part of an error or a log. */
  readonly key: Uint8Array
}

export type ServerSideEncryption =
  /** Keys managed by COS. */
  | { readonly type: 'COS' }
  /** Keys in KMS: the caller's key `keyId`. Default: the account's default key. */
  | {
      readonly type: 'KMS'
      readonly keyId?: string
      /** Encryption context: names and values that KMS binds the data key to. */
      readonly context?: Readonly<Record<string, string>>
    }
  | CustomerKey

/** Of reads and parts, which can only repeat the object's own key. */
export interface WithCustomerKey {
  readonly sse?: CustomerKey
}

export interface WithEncryption {
  /** Default: the encryption setting of the bucket. */
  readonly sse?: ServerSideEncryption
}

const Key: t.Type<Uint8Array, Uint8Array, unknown> = new t.Type(
  '32 bytes',
  (u): u is Uint8Array => u instanceof Uint8Array && u.length === 32,
  (u, context) =>
    u instanceof Uint8Array && u.length === 32 ? t.success(u) : t.failure(u, context, '32 bytes'),
  t.identity
)

const customerKey: In.FieldsOf<CustomerKey> = { type: In.oneOf('C'), key: Key }

export const CustomerKey = In.secret(
  choose<CustomerKey>(
    "{ type: 'C', key } with a key of 32 bytes",
    byTag('type', { C: In.struct<CustomerKey>('encryption with a key of the caller', customerKey) })
  )
)

type OfType<T extends ServerSideEncryption['type']> = Extract<ServerSideEncryption, { readonly type: T }>

export const ServerSideEncryption = In.secret(
  choose<ServerSideEncryption>(
    "{ type: 'COS' }, { type: 'KMS' } or { type: 'C', key }",
    byTag<t.Decoder<unknown, ServerSideEncryption>>('type', {
      COS: In.struct<OfType<'COS'>>('encryption by COS', { type: In.oneOf('COS') }),
      KMS: In.struct<OfType<'KMS'>>('encryption by KMS', {
        type: In.oneOf('KMS'),
        keyId: In.optional(In.headerValue),
        context: In.optional(In.textByName)
      }),
      C: CustomerKey
    })
  )
)

/** Fields for an input's codec. */
export const withCustomerKey: In.FieldsOf<WithCustomerKey> = { sse: In.optional(CustomerKey) }
/** Fields for an input's codec. */
export const withEncryption: In.FieldsOf<WithEncryption> = { sse: In.optional(ServerSideEncryption) }

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')

const customerHeaders = (prefix: string, { key }: CustomerKey): HeaderValues => ({
  [`${prefix}-algorithm`]: 'AES256',
  [`${prefix}-key`]: base64(key),
  [`${prefix}-key-md5`]: createHash('md5').update(key).digest('base64')
})

const header = 'x-cos-server-side-encryption'

export const encryptionHeaders = ({ sse }: WithEncryption): HeaderValues => {
  switch (sse?.type) {
    case undefined:
      return {}
    case 'COS':
      return { [header]: 'AES256' }
    case 'KMS':
      return {
        [header]: 'cos/kms',
        [`${header}-cos-kms-key-id`]: sse.keyId,
        [`${header}-context`]: sse.context && Buffer.from(JSON.stringify(sse.context)).toString('base64')
      }
    case 'C':
      return customerHeaders(`${header}-customer`, sse)
  }
}

/** COS's table lists these headers without `copy-source`; COS and its SDKs use them with it. */
export const copySourceEncryptionHeaders = (sse: CustomerKey | undefined): HeaderValues =>
  sse === undefined ? {} : customerHeaders(`x-cos-copy-source-server-side-encryption-customer`, sse)
