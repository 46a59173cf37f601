/**
 * A server that implements the minimum of COS and discards the bytes, so that the client is measured. It runs in a
 * separate process and sends its port to its parent.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const zeros = Buffer.alloc(256 * 1024)
const etag = '"00000000000000000000000000000000"'

const xml = (response: ServerResponse, body: string): void => {
  response.writeHead(200, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

const small = 4096
// The hashes of 4,096 zeros.
const smallCrc64 = '2797812426771984549'

/** `/zeros-1000` is an object of a thousand bytes; below `/objects-1000/` are a thousand of 4 KiB. */
const sizeOf = (path: string): number =>
  /\/objects-\d+\//.test(path) ? small : Number(/zeros-(\d+)/.exec(path)?.[1] ?? 0)

// -- objects that are kept: those below `/kept-`, with their metadata --
interface Kept {
  readonly bytes: Buffer
  readonly headers: Readonly<Record<string, string>>
}

const kept = new Map<string, Kept>()

const keep = (request: IncomingMessage, path: string): void => {
  const chunks: Array<Buffer> = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  const headers = Object.fromEntries(
    Object.entries(request.headers).flatMap(([name, value]) =>
      name.startsWith('x-cos-meta-') && typeof value === 'string' ? [[name, value]] : []
    )
  )
  request.on('end', () => {
    kept.set(path, { bytes: Buffer.concat(chunks), headers })
  })
}

/** Sends `size` zeros, or the bytes of an object from an offset. */
const send = (response: ServerResponse, size: number, bytes?: Buffer): void => {
  let left = size
  const more = (): void => {
    while (left > 0) {
      const length = Math.min(left, zeros.length)
      const chunk =
        bytes === undefined ? zeros.subarray(0, length) : bytes.subarray(size - left, size - left + length)
      left -= chunk.length
      if (!response.write(chunk)) {
        response.once('drain', more)
        return
      }
    }
    response.end()
  }
  more()
}

const page = (url: URL): string => {
  const count = 1000
  const prefix = url.searchParams.get('prefix') ?? ''
  // S3's second version of the listing has a token in place of the marker.
  const isSecond = url.searchParams.has('list-type')
  const marker = url.searchParams.get(isSecond ? 'continuation-token' : 'marker') ?? ''
  const from = Number(/(\d+)$/.exec(marker)?.[1] ?? 0)
  const total = Number(/^objects-(\d+)\/$/.exec(prefix)?.[1] ?? 0)
  const nameOf = (at: number): string => `${prefix}${String(at).padStart(8, '0')}`
  const keys = Array.from({ length: Math.min(count, total - from) }, (_, n) => nameOf(from + n + 1))
  const entries = keys.map(
    (key) =>
      `<Contents><Key>${key}</Key><LastModified>2024-05-01T08:00:00.000Z</LastModified><ETag>&quot;00000000000000000000000000000000&quot;</ETag><Size>${String(small)}</Size><Owner><ID>1250000000</ID><DisplayName>1250000000</DisplayName></Owner><StorageClass>STANDARD</StorageClass></Contents>`
  )
  const last = from + keys.length
  const nextName = isSecond ? 'NextContinuationToken' : 'NextMarker'
  const next = last < total ? `<${nextName}>${nameOf(last)}</${nextName}>` : ''
  return `<ListBucketResult><Name>b-1</Name><EncodingType>url</EncodingType><Prefix>${prefix}</Prefix><Marker/><MaxKeys>1000</MaxKeys><IsTruncated>${String(last < total)}</IsTruncated>${next}${entries.join('')}</ListBucketResult>`
}

const get = (request: IncomingMessage, response: ServerResponse, url: URL): void => {
  // With the bucket as the host, or as the first segment of the path.
  if (request.method === 'GET' && /^\/([^/]*-1250000000\/?)?$/.test(url.pathname)) {
    if (url.searchParams.has('uploads')) {
      xml(
        response,
        '<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>'
      )
      return
    }
    xml(response, page(url))
    return
  }
  const object = kept.get(url.pathname)
  const size = object?.bytes.length ?? sizeOf(url.pathname)
  const [, first, last] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? []
  const head = {
    etag,
    'last-modified': 'Wed, 01 May 2024 08:31:00 GMT',
    ...object?.headers,
    ...(size === small ? { 'x-cos-hash-crc64ecma': smallCrc64 } : {})
  }
  if (request.method === 'HEAD' || first === undefined) {
    response.writeHead(200, { ...head, 'content-length': size })
    if (request.method === 'HEAD') response.end()
    else send(response, size, object?.bytes)
    return
  }
  const end = last === undefined || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  const length = end - Number(first) + 1
  response.writeHead(206, {
    ...head,
    'content-length': length,
    'content-range': `bytes ${first}-${String(end)}/${String(size)}`
  })
  send(response, length, object?.bytes.subarray(Number(first)))
}

const named = '<Bucket>b-1</Bucket><Key>k</Key>'
const parts = new Map<string, string>()

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://localhost')
  if (request.method === 'PUT' && url.pathname.startsWith('/kept-')) keep(request, url.pathname)
  else request.resume()
  request.on('end', () => {
    if (request.method === 'GET' || request.method === 'HEAD') get(request, response, url)
    else if (request.method === 'PUT') {
      const sum =
        request.headers['content-length'] === String(small) ? { 'x-cos-hash-crc64ecma': smallCrc64 } : {}
      response.writeHead(200, { etag, 'content-length': 0, ...sum }).end()
    } else if (request.method === 'DELETE') response.writeHead(204).end()
    else if (url.searchParams.has('uploads')) {
      const id = `upload${String(parts.size)}`
      parts.set(id, '')
      xml(
        response,
        `<InitiateMultipartUploadResult>${named}<UploadId>${id}</UploadId></InitiateMultipartUploadResult>`
      )
    } else {
      xml(
        response,
        `<CompleteMultipartUploadResult><Location>l</Location>${named}<ETag>&quot;0-1&quot;</ETag></CompleteMultipartUploadResult>`
      )
    }
  })
})
// Clients are idle when it is not their turn. A connection that is closed meanwhile may fail a request.
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1', () => {
  process.send?.((server.address() as AddressInfo).port)
})
process.on('disconnect', () => process.exit())
