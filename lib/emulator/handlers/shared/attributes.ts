/** An object's attributes: read from the headers of a write, checked, and written to the headers of a response. */
import { createHash } from 'node:crypto'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import { type ServiceError, fail, serviceError } from '../../http/service-error.js'
import { readCannedAcl, readGrants } from './acl.js'
import { contentTypeOf } from './content-types.js'
import type { Attributes, Encryption } from '../../store/model.js'
import type { Bucket } from '../../store/state.js'
import { KiB } from '../../../core/limits.js'

type Headers = Readonly<Record<string, string>>

const entityHeaders = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-type',
  'expires'
]

const storageClasses = new Set([
  'STANDARD',
  'STANDARD_IA',
  'INTELLIGENT_TIERING',
  'ARCHIVE',
  'DEEP_ARCHIVE',
  'COLD'
])
/** A class without the prefix of multi-AZ buckets. */
export const baseClass = (storageClass: string): string => storageClass.replace(/^MAZ_/, '')

export const isTiered = (storageClass: string): boolean => baseClass(storageClass) === 'INTELLIGENT_TIERING'

export const objectAcls = [
  'default',
  'private',
  'public-read',
  'public-read-write',
  'authenticated-read',
  'bucket-owner-read',
  'bucket-owner-full-control'
] as const
const metadataPrefix = 'x-cos-meta-'
const maxMetadata = 4 * KiB

// -- reading --
interface WriteRequest {
  readonly headers: Headers
  /** Its suffix decides the `Content-Type` if the headers have none. */
  readonly key: string
}

const readHeaders = ({ headers, key }: WriteRequest): E.Either<ServiceError, Headers> => {
  const stored: Record<string, string> = {}
  for (const name of entityHeaders)
    if (headers[name] !== undefined && headers[name] !== '') stored[name] = headers[name]
  const type = stored['content-type'] ?? contentTypeOf(key)
  if (type !== undefined) stored['content-type'] = type
  let size = 0
  for (const name in headers) {
    if (!name.startsWith(metadataPrefix)) continue
    if (!/^x-cos-meta-[a-z0-9-]+$/.test(name))
      return fail('InvalidArgument', `A metadata name may contain letters, digits and "-" only: ${name}.`)
    const value = headers[name] ?? ''
    size += name.length - metadataPrefix.length + value.length
    stored[name] = value
  }
  return size > maxMetadata ? fail('MetadataTooLarge') : E.right(stored)
}

/** The storage class of a write. Those of a multi-AZ bucket begin with `MAZ_`. */
const readStorageClass = (headers: Headers, { az }: Bucket): E.Either<ServiceError, string> => {
  const isMultiAz = az === 'MAZ'
  const standard = isMultiAz ? 'MAZ_STANDARD' : 'STANDARD'
  const storageClass = (headers['x-cos-storage-class'] ?? standard).toUpperCase()
  if (!storageClasses.has(baseClass(storageClass))) return fail('NotSupportedStorageClass')
  if (storageClass.startsWith('MAZ_') === isMultiAz) return E.right(storageClass)
  return fail(isMultiAz ? 'OAZOperationNotSupportOnMAZBucket' : 'MAZOperationNotSupportOnOAZBucket')
}

export type Tags = Attributes['tags']

const maxTags = 10

/** Tags with distinct keys. */
export const checkTags = (tags: Tags, most: number = maxTags): E.Either<ServiceError, Tags> => {
  const keys = new Set(tags.map(([key]) => key))
  return keys.size === tags.length && tags.length <= most && !keys.has('')
    ? E.right(tags)
    : fail('InvalidTag')
}

/** `k1=v1&k2=v2`, percent-encoded. */
export const readTags = (text: string | undefined, most?: number): E.Either<ServiceError, Tags> => {
  if (text === undefined || text === '') return E.right([])
  return pipe(
    text.split('&'),
    E.traverseArray((pair) => {
      const [key = '', value = ''] = pair.split('=')
      return E.tryCatch(
        () => [decodeURIComponent(key), decodeURIComponent(value)] as const,
        () => serviceError('InvalidTag')
      )
    }),
    E.chain((tags) => checkTags(tags, most))
  )
}

const sse = 'x-cos-server-side-encryption'

/** The names of the headers of a customer's key. */
const customerKeyHeaders = (prefix: string) => ({
  algorithm: `${prefix}-customer-algorithm`,
  key: `${prefix}-customer-key`,
  md5: `${prefix}-customer-key-md5`
})
type CustomerKeyHeaders = ReturnType<typeof customerKeyHeaders>

const objectKey = customerKeyHeaders(sse)
const sourceKey = customerKeyHeaders('x-cos-copy-source-server-side-encryption')
const contextHeader = `${sse}-context`

/**
 * The MD5 of the customer's key; undefined if the three headers are absent, an error if they disagree. COS requires TLS
 * for them. The emulator accepts them over HTTP too; it stores only the MD5.
 */
const readCustomerKey = (
  headers: Headers,
  names: CustomerKeyHeaders
): E.Either<ServiceError, string | undefined> => {
  const algorithm = headers[names.algorithm]
  const key = headers[names.key]
  const md5 = headers[names.md5]
  if (algorithm === undefined && key === undefined && md5 === undefined) return E.right(undefined)
  const bytes = Buffer.from(key ?? '', 'base64')
  const isValid =
    algorithm === 'AES256' &&
    bytes.length === 32 &&
    createHash('md5').update(bytes).digest('base64') === (md5 ?? '')
  return isValid ? E.right(md5) : fail('SsecDecryptHeaderInvalid')
}

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const readEncryption = (headers: Headers): E.Either<ServiceError, Encryption> => {
  const customerKey = readCustomerKey(headers, objectKey)
  if (E.isLeft(customerKey)) return customerKey
  const keyMd5 = customerKey.right
  const method = headers[sse]
  const context = headers[contextHeader]
  if (method !== undefined && keyMd5 !== undefined)
    return fail('InvalidArgument', 'Two kinds of server-side encryption were specified.')
  if (keyMd5 !== undefined) return E.right({ _tag: 'Customer', keyMd5 })
  if (method === undefined) return E.right({ _tag: 'None' })
  if (method === 'AES256') return E.right({ _tag: 'Cos' })
  if (method !== 'cos/kms') return fail('InvalidArgument', `${sse} must be AES256 or cos/kms.`)
  if (context !== undefined && !isJson(Buffer.from(context, 'base64').toString()))
    return fail('InvalidArgument', `${sse}-context must be Base64 of JSON.`)
  return E.right({ _tag: 'Kms', keyId: headers[`${sse}-cos-kms-key-id`] ?? 'emulator-default-key' })
}

// COS acts on these headers after the object is stored. Ignoring them would report a success for work not done.
const notImplemented = ['pic-operations', 'x-cos-callback', 'x-cos-callback-var', 'x-cos-return-body']

/** Fails with `NotImplemented` if a header asks for processing of the stored object. */
export const rejectProcessing = (headers: Headers): E.Either<ServiceError, true> => {
  const name = notImplemented.find((name) => headers[name] !== undefined)
  return name === undefined
    ? E.right(true)
    : fail('NotImplemented', `The emulator does not implement ${name}.`)
}

/** Reads the attributes that the headers of PUT, Copy and Initiate specify. */
export const readAttributes = (request: WriteRequest, bucket: Bucket): E.Either<ServiceError, Attributes> => {
  const received = request.headers
  const processing = rejectProcessing(received)
  if (E.isLeft(processing)) return processing
  const headers = readHeaders(request)
  if (E.isLeft(headers)) return headers
  const storageClass = readStorageClass(received, bucket)
  if (E.isLeft(storageClass)) return storageClass
  const acl = readCannedAcl<string>(received, objectAcls)
  if (E.isLeft(acl)) return acl
  const grants = readGrants(received)
  if (E.isLeft(grants)) return grants
  const encryption = readEncryption(received)
  if (E.isLeft(encryption)) return encryption
  const tags = readTags(received['x-cos-tagging'])
  if (E.isLeft(tags)) return tags
  return E.right({
    headers: headers.right,
    storageClass: storageClass.right,
    acl: acl.right,
    grants: grants.right,
    encryption: encryption.right,
    tags: tags.right
  })
}

// -- customer keys --
const checkKey = (
  headers: Headers,
  names: CustomerKeyHeaders,
  encryption: Encryption
): E.Either<ServiceError, true> =>
  pipe(
    readCustomerKey(headers, names),
    E.chain((received) => {
      const expected = encryption._tag === 'Customer' ? encryption.keyMd5 : undefined
      return received === expected ? E.right(true as const) : fail('SsecDecryptHeaderInvalid')
    })
  )

/** Requests that read an object or upload a part must carry the object's key, and no other kind of encryption. */
export const checkCustomerKey = (headers: Headers, encryption: Encryption): E.Either<ServiceError, true> =>
  headers[sse] === undefined ? checkKey(headers, objectKey, encryption) : fail('SSEHeaderNotAllowed')

/** The same check for the source of a copy. */
export const checkSourceKey = (headers: Headers, encryption: Encryption): E.Either<ServiceError, true> =>
  checkKey(headers, sourceKey, encryption)

// -- response headers --
export const encryptionHeaders = (encryption: Encryption): Headers => {
  switch (encryption._tag) {
    case 'None':
      return {}
    case 'Cos':
      return { [sse]: 'AES256' }
    case 'Kms':
      return { [sse]: 'cos/kms', [`${sse}-cos-kms-key-id`]: encryption.keyId }
    case 'Customer':
      return { [`${sse}-customer-algorithm`]: 'AES256', [`${sse}-customer-key-MD5`]: encryption.keyMd5 }
  }
}

/**
 * The ETag of an object or part written by one request, quotes included. Under a customer's key or KMS it is opaque, as
 * on COS: not the MD5.
 */
export const etagOf = (md5: string, encryption: Encryption): string =>
  encryption._tag === 'None' || encryption._tag === 'Cos'
    ? `"${md5}"`
    : `"${createHash('md5').update(`${encryption._tag} ${md5}`).digest('hex')}"`
