/** Reads a request's body: into a blob, hashed and checked on the way, or into memory if it is a small XML document. */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import * as E from 'fp-ts/lib/Either.js'
import { crc64Hasher } from '../../core/crc64.js'
import { GiB } from '../../core/limits.js'
import type { Element } from '../../core/element.js'
import { xmlReader } from '../../core/xml.js'
import type { EmulatorContext, RoutedRequest } from './request.js'
import { type ServiceError, fail } from './service-error.js'
import type { Segment } from '../store/model.js'

/** The largest body of one request: 5 GiB. */
export const maxPut = 5 * GiB

/** A body that was stored. Its blob has one reference; the caller must release the segments. */
export interface ReceivedBody {
  readonly size: number
  /** Lower-case hex. */
  readonly md5: string
  readonly crc64: bigint
  readonly segments: ReadonlyArray<Segment>
}

const md5Of = (request: RoutedRequest): E.Either<ServiceError, string | undefined> => {
  const given = request.headers['content-md5']
  if (given === undefined) return E.right(undefined)
  const bytes = Buffer.from(given, 'base64')
  return bytes.length === 16 && bytes.toString('base64') === given
    ? E.right(bytes.toString('hex'))
    : fail('InvalidDigest')
}

/** The rate of `x-cos-traffic-limit`, in bytes a second. */
export const trafficLimit = (request: RoutedRequest): E.Either<ServiceError, number | undefined> => {
  const text = request.headers['x-cos-traffic-limit'] ?? request.query['x-cos-traffic-limit']
  if (text === undefined) return E.right(undefined)
  const bits = /^\d{1,12}$/.test(text) ? Number(text) : NaN
  return bits >= 819_200 && bits <= 838_860_800
    ? E.right(bits / 8)
    : fail('InvalidArgument', 'x-cos-traffic-limit must be from 819200 to 838860800 bit/s.')
}

async function* sendAtRate(
  rate: number,
  chunks: AsyncIterable<Uint8Array>
): AsyncGenerator<Uint8Array, void, undefined> {
  const step = Math.ceil(rate / 10)
  const start = performance.now()
  let bytes = 0
  for await (const chunk of chunks)
    for (let at = 0; at < chunk.length; at += step) {
      const ahead = (bytes / rate) * 1000 - (performance.now() - start)
      if (ahead > 2) await sleep(ahead)
      const piece = chunk.subarray(at, at + step)
      bytes += piece.length
      yield piece
    }
}

/** Limits a stream to `rate` bytes a second, in pieces of a tenth of a second. */
export const limitRate = (
  rate: number | undefined,
  chunks: AsyncIterable<Uint8Array>
): AsyncIterable<Uint8Array> => (rate === undefined ? chunks : sendAtRate(rate, chunks))

export interface ReadBodyOptions {
  /** Whether a body of unknown length is accepted; parts must declare theirs. */
  readonly chunked: boolean
  /** Called with the size after the last byte. */
  readonly check?: (size: number) => E.Either<ServiceError, true>
}

/** Checks the headers, before the first byte is read; returns the expected MD5. */
const checkHead = (
  request: RoutedRequest,
  { chunked }: ReadBodyOptions
): E.Either<ServiceError, string | undefined> => {
  const { declared } = request.body
  if (declared === undefined && !(chunked && request.body.chunked)) return fail('MissingContentLength')
  if (declared !== undefined && declared > maxPut) return fail('EntityTooLarge')
  return md5Of(request)
}

/**
 * Streams a body into a blob.
 *
 * @shape  each chunk is hashed and written before the next is read, so that memory holds one
 * @errors `MissingContentLength`, `EntityTooLarge`, `InvalidDigest` before reading; `BadDigest`, `InvalidSHA1Digest`
 *         after. Throws what the connection throws, after the blob is removed.
 */
export const readBody =
  (context: EmulatorContext, request: RoutedRequest, options: ReadBodyOptions) =>
  async (): Promise<E.Either<ServiceError, ReceivedBody>> => {
    const head = checkHead(request, options)
    if (E.isLeft(head)) return head
    const rate = trafficLimit(request)
    if (E.isLeft(rate)) return rate
    const sha1 = request.headers['x-cos-content-sha1']

    const md5 = createHash('md5')
    const sha1Hash = sha1 === undefined ? undefined : createHash('sha1')
    const crc64 = await crc64Hasher()
    const writer = await context.store.blobs.create(request.body.declared)
    let size = 0
    let kept = false
    try {
      for await (const chunk of limitRate(rate.right, request.body.read())) {
        size += chunk.length
        if (size > maxPut) return fail('EntityTooLarge')
        md5.update(chunk)
        sha1Hash?.update(chunk)
        crc64.update(chunk)
        await writer.write(chunk)
      }
      const checked = options.check?.(size)
      if (checked !== undefined && E.isLeft(checked)) return checked
      const hex = md5.digest('hex')
      if (head.right !== undefined && head.right !== hex) return fail('BadDigest')
      if (sha1Hash !== undefined && sha1Hash.digest('hex') !== sha1?.toLowerCase())
        return fail('InvalidSHA1Digest')
      const segments = size === 0 ? [] : [{ blob: await writer.commit(), offset: 0, size }]
      kept = size > 0
      return E.right({ size, md5: hex, crc64: crc64.digest(), segments })
    } finally {
      crc64.release()
      if (!kept) await writer.discard()
    }
  }

/** Reads a required body of at most `limit` bytes into memory. */
export const readDocument = async (
  request: RoutedRequest,
  limit: number
): Promise<E.Either<ServiceError, Buffer>> => {
  const head = checkHead(request, { chunked: true })
  if (E.isLeft(head)) return head
  if ((request.body.declared ?? 0) > limit) return fail('XMLSizeLimit')
  const chunks: Array<Uint8Array> = []
  let size = 0
  // Read to the end even if it is too long, so that the connection can be reused.
  for await (const chunk of request.body.read()) {
    size += chunk.length
    if (size <= limit) chunks.push(chunk)
  }
  if (size > limit) return fail('XMLSizeLimit')
  if (size === 0) return fail('MissingRequestBodyError')
  const document = Buffer.concat(chunks)
  if (head.right !== undefined && createHash('md5').update(document).digest('hex') !== head.right)
    return fail('BadDigest')
  return E.right(document)
}

/** Reads an XML document with this root element; returns the children of the root. */
export const parseXml = (
  document: Uint8Array,
  root: string
): E.Either<ServiceError, ReadonlyArray<Element>> => {
  const reader = xmlReader()
  const rows: Array<Element> = []
  for (const events of [reader.step(document), reader.finish()]) {
    if (E.isLeft(events)) return fail('MalformedXML', `The XML is not valid: ${events.left}.`)
    for (const event of events.right) {
      if (event._tag === 'Row') rows.push(event.row)
      else if (event.name !== root) return fail('MalformedXML', `The root element must be ${root}.`)
    }
  }
  return E.right(rows)
}

/** Reads a required XML body of at most `limit` bytes; returns the children of its root. */
export const readXmlBody = async (
  request: RoutedRequest,
  root: string,
  limit: number
): Promise<E.Either<ServiceError, ReadonlyArray<Element>>> =>
  E.chain((document: Buffer) => parseXml(document, root))(await readDocument(request, limit))

/** Checks that there is no body. COS's pages ask for `Content-Length: 0`; a request without a length has no body either. */
export const readEmptyBody = async (request: RoutedRequest): Promise<E.Either<ServiceError, true>> => {
  for await (const chunk of request.body.read())
    if (chunk.length > 0) return fail('InvalidRequest', 'This request takes no body.')
  return E.right(true)
}
