/** Reads bucket, key and operation from the request line and the Host header. */
import * as E from 'fp-ts/lib/Either.js'
import { maxKeyBytes } from '../../core/key.js'
import { type ConfigurationOperation, configurationOf, configurations } from './configurations.js'
import { type ServiceError, fail } from './service-error.js'

/** The operations, named as in the library; `Unknown` is any other request. */
export type OperationName =
  | ConfigurationOperation
  | 'AbortMultipartUpload'
  | 'AppendObject'
  | 'CompleteMultipartUpload'
  | 'CopyObject'
  | 'CreateMultipartUpload'
  | 'DeleteBucket'
  | 'DeleteBucketDomainCertificate'
  | 'DeleteObject'
  | 'DeleteObjects'
  | 'DeleteObjectTagging'
  | 'GetBucketAcl'
  | 'GetBucketDomainCertificate'
  | 'GetBucketLocation'
  | 'GetBucketVersioning'
  | 'GetObject'
  | 'GetObjectAcl'
  | 'GetObjectTagging'
  | 'GetSymlink'
  | 'HeadBucket'
  | 'HeadObject'
  | 'ListBuckets'
  | 'ListMultipartUploads'
  | 'ListObjectVersions'
  | 'ListObjects'
  | 'ListParts'
  | 'OptionsObject'
  | 'PostObject'
  | 'PutBucket'
  | 'PutBucketAcl'
  | 'PutBucketDomainCertificate'
  | 'PutBucketVersioning'
  | 'PutObject'
  | 'PutObjectAcl'
  | 'PutObjectTagging'
  | 'PutSymlink'
  | 'RestoreObject'
  | 'SelectObjectContent'
  | 'Unknown'
  | 'UploadPart'
  | 'UploadPartCopy'

export type Query = Readonly<Record<string, string>>

export interface Target {
  /** From the Host header, or from an absolute request target. */
  readonly host: string
  /** Percent-encoded, as received, without the query. */
  readonly rawPath: string
  /** Empty for a request to the service. */
  readonly bucket: string
  /** Decoded; empty for a request to the bucket. */
  readonly key: string
  readonly query: Query
  /** The paths that the signature may cover. */
  readonly signedPaths: ReadonlyArray<string>
}

const percentDecode = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

// The names that the emulator reads, in COS's spelling. COS matches them without regard to case: its Go SDK sends
// `VersionId`, and a DELETE that overlooked it would add a delete marker.
const parameterNames = new Map(
  `acl append create-time delete delimiter domaincertificate domainname encoding-type id key-marker location marker max-keys max-parts max-uploads
  part-number-marker partNumber position prefix range region response-cache-control response-content-disposition
  response-content-encoding response-content-language response-content-type response-expires restore select select-type
  symlink tagging tagkey tagvalue upload-id-marker uploadId uploads version-id-marker versionId versioning versions
  x-cos-security-token x-cos-traffic-limit`
    .split(/\s+/)
    .concat(Object.values(configurations).map(({ parameter }) => parameter))
    .map((name) => [name.toLowerCase(), name])
)

const readParameter = (text: string): string => {
  // The Python SDK writes a space as `+`, and signs a space.
  const spaced = text.replaceAll('+', ' ')
  return percentDecode(spaced) ?? spaced
}

const readQuery = (text: string): Query => {
  if (text === '') return {}
  const entries: Array<readonly [string, string]> = []
  for (const pair of text.split('&')) {
    if (pair === '') continue
    const at = pair.indexOf('=')
    const name = readParameter(at < 0 ? pair : pair.slice(0, at))
    const value = at < 0 ? '' : readParameter(pair.slice(at + 1))
    entries.push([parameterNames.get(name.toLowerCase()) ?? name, value])
  }
  return Object.fromEntries(entries)
}

export interface Hosts {
  readonly isBucket: (name: string) => boolean
  /** Bucket names by custom domain. */
  readonly domains: ReadonlyMap<string, string>
}

/** The bucket of `{bucket}.cos.{region}.myqcloud.com`, `{bucket}.localhost` or a custom domain; undefined for other hosts. */
export const bucketOfHost = (hosts: Hosts, host: string): string | undefined => {
  const name = host.replace(/:\d+$/, '').toLowerCase()
  const domain = hosts.domains.get(name)
  if (domain !== undefined) return domain
  const dot = name.indexOf('.')
  if (dot < 0) return undefined
  const label = name.slice(0, dot)
  // An APPID has about ten digits; `node-1.internal` is a machine unless a bucket has that name.
  return hosts.isBucket(label) || /^[a-z0-9][a-z0-9-]*-\d{8,}$/.test(label) ? label : undefined
}

/** The region of `[{bucket}.]cos.{region}.myqcloud.com` and the like; undefined for hosts that name none. */
export const regionOfHost = (host: string): string | undefined => {
  const [, region] =
    /^(?:[^.]+\.)?cos(?:-internal|-dualstack)?\.([a-z0-9-]+)\.(?:myqcloud\.com|tencentcos\.cn)(?::\d+)?$/i.exec(
      host
    ) ?? []
  return region === 'accelerate' ? undefined : region?.toLowerCase()
}

/** Checks the length and the characters of a key. */
export const checkKey = (key: string): E.Either<ServiceError, string> => {
  if (Buffer.byteLength(key) > maxKeyBytes) return fail('KeyTooLong')
  // eslint-disable-next-line no-control-regex
  return /[\x18-\x1b]/.test(key) ? fail('InvalidObjectName') : E.right(key)
}

const absolute = /^https?:\/\/([^/?#]*)([^#]*)/i

/** Reads a request's target: `target` as in the request line, and its Host header. */
export const readTarget = (
  hosts: Hosts,
  target: string,
  hostHeader: string
): E.Either<ServiceError, Target> => {
  // The absolute form, as sent to a proxy. Its authority wins over the Host header (RFC 9112, 3.2.2).
  const [, authority, rest] = absolute.exec(target) ?? []
  const host = authority ?? hostHeader
  const local = rest ?? target
  const at = local.indexOf('?')
  const rawPath = (at < 0 ? local : local.slice(0, at)) || '/'
  const path = percentDecode(rawPath)
  if (path?.startsWith('/') !== true) return fail('InvalidURI')
  const query = readQuery(at < 0 ? '' : local.slice(at + 1))

  const owner = bucketOfHost(hosts, host)
  const slash = path.indexOf('/', 1)
  const bucket = owner ?? (slash < 0 ? path.slice(1) : path.slice(1, slash))
  const key = owner === undefined ? (slash < 0 ? '' : path.slice(slash + 1)) : path.slice(1)
  const checked = checkKey(key)
  if (E.isLeft(checked)) return checked
  // Path-style requests are signed over the whole path. A client configured with the custom domain
  // `127.0.0.1:9000/bucket` sends a path-style request without knowing it, and signs the key alone.
  const signedPaths = owner === undefined ? [path, `/${key}`] : [path]
  return E.right({ host, rawPath, bucket, key, query, signedPaths })
}

// Sub-resources and processing that COS has and the emulator does not. Ignoring one would run a different operation:
// `PUT key?tagging` would replace the object.
const unsupportedQueries = new Set(
  `accelerate acl append asyncjob bucketid ci-process cors delete domain domaincertificate encryption
  intelligent-tiering intelligenttiering inventory legal-hold lifecycle live location logging meta notification object-lock
  origin policy publicaccessblock referer rename replication requestpayment restore retention select style symlink tagging
  torrent uploads versioning versions vod website`.split(/\s+/)
)
const isUnsupported = (query: Query): boolean =>
  Object.keys(query).some(
    (name) => unsupportedQueries.has(name.toLowerCase()) || /^(?:image|watermark|exif|style)/i.test(name)
  )

type Headers = Readonly<Record<string, string>>

const isForm = (headers: Headers): boolean => /^multipart\/form-data\s*;/i.test(headers['content-type'] ?? '')

const bucketOperation = (method: string, query: Query, headers: Headers): OperationName => {
  const has = (name: string): boolean => Object.hasOwn(query, name)
  const configuration = configurationOf(query)
  switch (method) {
    case 'HEAD':
      return 'HeadBucket'
    case 'GET':
      if (has('versions')) return 'ListObjectVersions'
      if (has('uploads')) return 'ListMultipartUploads'
      if (has('versioning')) return 'GetBucketVersioning'
      if (has('acl')) return 'GetBucketAcl'
      if (has('location')) return 'GetBucketLocation'
      if (has('domaincertificate')) return 'GetBucketDomainCertificate'
      if (configuration !== undefined) return `GetBucket${configuration}`
      return isUnsupported(query) ? 'Unknown' : 'ListObjects'
    case 'PUT':
      if (has('versioning')) return 'PutBucketVersioning'
      if (has('acl')) return 'PutBucketAcl'
      if (has('domaincertificate')) return 'PutBucketDomainCertificate'
      if (configuration !== undefined) return `PutBucket${configuration}`
      return isUnsupported(query) ? 'Unknown' : 'PutBucket'
    case 'POST':
      if (has('delete')) return 'DeleteObjects'
      return isForm(headers) && !isUnsupported(query) ? 'PostObject' : 'Unknown'
    case 'OPTIONS':
      return 'OptionsObject'
    case 'DELETE':
      if (has('domaincertificate')) return 'DeleteBucketDomainCertificate'
      if (configuration !== undefined) return `DeleteBucket${configuration}`
      return isUnsupported(query) ? 'Unknown' : 'DeleteBucket'
    default:
      return 'Unknown'
  }
}

const objectOperation = (method: string, query: Query, headers: Headers): OperationName => {
  const has = (name: string): boolean => Object.hasOwn(query, name)
  const isCopy = headers['x-cos-copy-source'] !== undefined
  switch (method) {
    case 'HEAD':
      return 'HeadObject'
    case 'GET':
      if (has('uploadId')) return 'ListParts'
      if (has('acl')) return 'GetObjectAcl'
      if (has('tagging')) return 'GetObjectTagging'
      if (has('symlink')) return 'GetSymlink'
      return isUnsupported(query) ? 'Unknown' : 'GetObject'
    case 'PUT':
      if (has('uploadId') || has('partNumber')) return isCopy ? 'UploadPartCopy' : 'UploadPart'
      if (has('acl')) return 'PutObjectAcl'
      if (has('tagging')) return 'PutObjectTagging'
      if (has('symlink')) return 'PutSymlink'
      if (isUnsupported(query)) return 'Unknown'
      return isCopy ? 'CopyObject' : 'PutObject'
    case 'POST':
      if (has('uploads')) return 'CreateMultipartUpload'
      if (has('uploadId')) return 'CompleteMultipartUpload'
      if (has('restore')) return 'RestoreObject'
      if (has('append')) return 'AppendObject'
      return has('select') ? 'SelectObjectContent' : 'Unknown'
    case 'OPTIONS':
      return 'OptionsObject'
    case 'DELETE':
      if (has('uploadId')) return 'AbortMultipartUpload'
      if (has('tagging')) return 'DeleteObjectTagging'
      return isUnsupported(query) ? 'Unknown' : 'DeleteObject'
    default:
      return 'Unknown'
  }
}

export const operationOf = (
  method: string,
  { bucket, key, query }: Pick<Target, 'bucket' | 'key' | 'query'>,
  headers: Headers
): OperationName => {
  if (bucket === '') return method === 'GET' ? 'ListBuckets' : 'Unknown'
  return key === '' ? bucketOperation(method, query, headers) : objectOperation(method, query, headers)
}
