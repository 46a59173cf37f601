/** Which bucket, which key, which operation: read off the request line and the Host header. */
import * as E from 'fp-ts/lib/Either.js'
import { maxKeyBytes } from '../../core/key.js'
import { type ServiceError, fail } from './service-error.js'

/** The operations, by their names in the library; `Unknown` is whatever else one could ask of COS. */
export type OperationName =
  | 'AbortMultipartUpload'
  | 'CompleteMultipartUpload'
  | 'CopyObject'
  | 'CreateMultipartUpload'
  | 'DeleteBucket'
  | 'DeleteObject'
  | 'DeleteObjects'
  | 'GetBucketAcl'
  | 'GetBucketVersioning'
  | 'GetObject'
  | 'GetObjectAcl'
  | 'HeadBucket'
  | 'HeadObject'
  | 'ListBuckets'
  | 'ListMultipartUploads'
  | 'ListObjectVersions'
  | 'ListObjects'
  | 'ListParts'
  | 'PutBucket'
  | 'PutBucketVersioning'
  | 'PutObject'
  | 'RestoreObject'
  | 'SelectObjectContent'
  | 'Unknown'
  | 'UploadPart'
  | 'UploadPartCopy'

export type Query = Readonly<Record<string, string>>

export interface Target {
  /** As the Host header, or an absolute target, has it. */
  readonly host: string
  /** Percent-encoded, as it came, without the query. */
  readonly rawPath: string
  /** Empty for the service itself. */
  readonly bucket: string
  /** Decoded; empty for the bucket itself. */
  readonly key: string
  readonly query: Query
  /** The paths that a signature may have been made over. */
  readonly signedPaths: ReadonlyArray<string>
}

const unquote = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** Percent-decoding only: nothing says that COS reads a `+` as a space. */
const readQuery = (text: string): Query =>
  Object.fromEntries(
    text
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => {
        const at = pair.indexOf('=')
        const [name, value] = at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
        return [unquote(name) ?? name, unquote(value) ?? value]
      })
  )

export interface Hosts {
  readonly isBucket: (name: string) => boolean
  /** By custom domain. */
  readonly domains: ReadonlyMap<string, string>
}

/** `{bucket}.cos.{region}.myqcloud.com`, `{bucket}.localhost`, a custom domain; nothing for any other host. */
export const bucketOfHost = (hosts: Hosts, host: string): string | undefined => {
  const name = host.replace(/:\d+$/, '').toLowerCase()
  const [label = '', ...rest] = name.split('.')
  const domain = hosts.domains.get(name)
  if (domain !== undefined) return domain
  // An APPID has ten digits or so; `node-1.internal` is a machine, unless there is a bucket of that name.
  return rest.length > 0 && (hosts.isBucket(label) || /^[a-z0-9][a-z0-9-]*-\d{8,}$/.test(label))
    ? label
    : undefined
}

const absolute = /^https?:\/\/([^/?#]*)([^#]*)/i

/** Reads where a request points: its target as it stands in the request line, and its Host header. */
export const readTarget = (
  hosts: Hosts,
  target: string,
  hostHeader: string
): E.Either<ServiceError, Target> => {
  // As a proxy is asked. The authority there counts, and is what a Host header repeats.
  const [, authority, rest] = absolute.exec(target) ?? []
  const host = authority ?? hostHeader
  const local = rest ?? target
  const at = local.indexOf('?')
  const rawPath = (at < 0 ? local : local.slice(0, at)) || '/'
  const path = unquote(rawPath)
  if (path?.startsWith('/') !== true) return fail('InvalidURI')
  const query = readQuery(at < 0 ? '' : local.slice(at + 1))

  const owner = bucketOfHost(hosts, host)
  const slash = path.indexOf('/', 1)
  const bucket = owner ?? (slash < 0 ? path.slice(1) : path.slice(1, slash))
  const key = owner === undefined ? (slash < 0 ? '' : path.slice(slash + 1)) : path.slice(1)
  if (Buffer.byteLength(key) > maxKeyBytes) return fail('KeyTooLong')
  // eslint-disable-next-line no-control-regex
  if (/[\x18-\x1b]/.test(key)) return fail('InvalidObjectName')
  // Path-style requests are signed over the whole path; a client that was given `127.0.0.1:9000/bucket` as a
  // domain of its own does not know that it makes one, and signs the key alone.
  const signedPaths = owner === undefined ? [path, `/${key}`] : [path]
  return E.right({ host, rawPath, bucket, key, query, signedPaths })
}

// Sub-resources and processing that COS has and the emulator does not. To overlook one would be to answer another
// question than was asked.
const unsupportedQueries = new Set(
  `accelerate acl append asyncjob bucketid ci-process cors domain encryption intelligenttiering inventory legal-hold
  lifecycle location logging meta notification object-lock origin policy publicAccessBlock referer rename replication
  requestPayment restore retention select symlink tagging torrent uploads versioning versions delete website`.split(
    /\s+/
  )
)
const isUnsupported = (query: Query): boolean =>
  Object.keys(query).some(
    (name) => unsupportedQueries.has(name) || /^(?:image|watermark|exif|style)/i.test(name)
  )

const ofBucket = (method: string, query: Query): OperationName => {
  const asked = (name: string): boolean => Object.hasOwn(query, name)
  switch (method) {
    case 'HEAD':
      return 'HeadBucket'
    case 'GET':
      if (asked('versions')) return 'ListObjectVersions'
      if (asked('uploads')) return 'ListMultipartUploads'
      if (asked('versioning')) return 'GetBucketVersioning'
      if (asked('acl')) return 'GetBucketAcl'
      return isUnsupported(query) ? 'Unknown' : 'ListObjects'
    case 'PUT':
      if (asked('versioning')) return 'PutBucketVersioning'
      return isUnsupported(query) ? 'Unknown' : 'PutBucket'
    case 'POST':
      return asked('delete') ? 'DeleteObjects' : 'Unknown'
    case 'DELETE':
      return isUnsupported(query) ? 'Unknown' : 'DeleteBucket'
    default:
      return 'Unknown'
  }
}

const ofObject = (method: string, query: Query, copies: boolean): OperationName => {
  const asked = (name: string): boolean => Object.hasOwn(query, name)
  switch (method) {
    case 'HEAD':
      return 'HeadObject'
    case 'GET':
      if (asked('uploadId')) return 'ListParts'
      if (asked('acl')) return 'GetObjectAcl'
      return isUnsupported(query) ? 'Unknown' : 'GetObject'
    case 'PUT':
      if (asked('uploadId') || asked('partNumber')) return copies ? 'UploadPartCopy' : 'UploadPart'
      if (isUnsupported(query)) return 'Unknown'
      return copies ? 'CopyObject' : 'PutObject'
    case 'POST':
      if (asked('uploads')) return 'CreateMultipartUpload'
      if (asked('uploadId')) return 'CompleteMultipartUpload'
      if (asked('restore')) return 'RestoreObject'
      return asked('select') ? 'SelectObjectContent' : 'Unknown'
    case 'DELETE':
      if (asked('uploadId')) return 'AbortMultipartUpload'
      return isUnsupported(query) ? 'Unknown' : 'DeleteObject'
    default:
      return 'Unknown'
  }
}

export const operationOf = (
  method: string,
  { bucket, key, query }: Pick<Target, 'bucket' | 'key' | 'query'>,
  headers: Readonly<Record<string, string>>
): OperationName => {
  if (bucket === '') return method === 'GET' ? 'ListBuckets' : 'Unknown'
  return key === ''
    ? ofBucket(method, query)
    : ofObject(method, query, headers['x-cos-copy-source'] !== undefined)
}
