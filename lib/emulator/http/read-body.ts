/** Taking a request's body: into a blob, checked and hashed on the way; or into memory, where it is a small XML. */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import * as E from 'fp-ts/lib/Either.js'
import { crc64Hasher } from '../../core/crc64.js'
import { GiB } from '../../core/limits.js'
import { type Element, xmlReader } from '../../core/xml.js'
import type { EmulatorRequest, EmulatorContext, RoutedRequest } from './request.js'
import { type ServiceError, fail } from './service-error.js'
import type { Segment } from '../store/model.js'

/** What COS takes in one request: 5 GiB. */
export const maxPut = 5 * GiB

/** What came in. Its blob is held for the receiver, who must release the segments. */
export interface ReceivedBody {
  readonly size: number
  /** Lower-case hex. */
  readonly md5: string
  readonly crc64: bigint
  readonly segments: ReadonlyArray<Segment>
}

const md5Of = (call: EmulatorRequest): E.Either<ServiceError, string | undefined> => {
  const given = call.headers['content-md5']
  if (given === undefined) return E.right(undefined)
  const bytes = Buffer.from(given, 'base64')
  return bytes.length === 16 && bytes.toString('base64') === given
    ? E.right(bytes.toString('hex'))
    : fail('InvalidDigest')
}

/** The rate that `x-cos-traffic-limit` asks for, in bytes a second. */
export const trafficLimit = (call: EmulatorRequest): E.Either<ServiceError, number | undefined> => {
  const text = call.headers['x-cos-traffic-limit'] ?? call.query['x-cos-traffic-limit']
  if (text === undefined) return E.right(undefined)
  const bits = /^\d{1,12}$/.test(text) ? Number(text) : NaN
  return bits >= 819_200 && bits <= 838_860_800
    ? E.right(bits / 8)
    : fail('InvalidArgument', 'x-cos-traffic-limit should be 819200 to 838860800 bits a second.')
}

/** Lets bytes pass at a rate, in bytes a second, a tenth of a second's worth at a time. */
export async function* limitRate(
  rate: number | undefined,
  chunks: AsyncIterable<Uint8Array>
): AsyncGenerator<Uint8Array, void, undefined> {
  if (rate === undefined) {
    yield* chunks
    return
  }
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

export interface ReadBodyOptions {
  /** Whether a body of unknown length is taken; parts must declare theirs. */
  readonly chunked: boolean
}

/** Refuses what can be refused before the first byte is read. */
const checkHead = (
  call: EmulatorRequest,
  { chunked }: ReadBodyOptions
): E.Either<ServiceError, string | undefined> => {
  const { declared } = call.body
  if (declared === undefined && !(chunked && call.body.chunked)) return fail('MissingContentLength')
  if (declared !== undefined && declared > maxPut) return fail('EntityTooLarge')
  return md5Of(call)
}

/**
 * Streams a body into a blob.
 *
 * @shape  each chunk is hashed and written before the next is read, so that memory holds one
 * @errors `MissingContentLength`, `EntityTooLarge`, `InvalidDigest` before reading; `BadDigest`, `InvalidSHA1Digest`
 *         after. Throws what the connection throws, with nothing left behind.
 */
export const readBody =
  (house: EmulatorContext, call: RoutedRequest, options: ReadBodyOptions) =>
  async (): Promise<E.Either<ServiceError, ReceivedBody>> => {
    const head = checkHead(call, options)
    if (E.isLeft(head)) return head
    const rate = trafficLimit(call)
    if (E.isLeft(rate)) return rate
    const sha1 = call.headers['x-cos-content-sha1']

    const md5 = createHash('md5')
    const also = sha1 === undefined ? undefined : createHash('sha1')
    const crc64 = await crc64Hasher()
    const writer = await house.store.blobs.create(call.body.declared)
    let size = 0
    let kept = false
    try {
      for await (const chunk of limitRate(rate.right, call.body.read())) {
        size += chunk.length
        if (size > maxPut) return fail('EntityTooLarge')
        md5.update(chunk)
        also?.update(chunk)
        crc64.update(chunk)
        await writer.write(chunk)
      }
      const hex = md5.digest('hex')
      if (head.right !== undefined && head.right !== hex) return fail('BadDigest')
      if (also !== undefined && also.digest('hex') !== sha1?.toLowerCase()) return fail('InvalidSHA1Digest')
      const segments = size === 0 ? [] : [{ blob: await writer.commit(), offset: 0, size }]
      kept = size > 0
      return E.right({ size, md5: hex, crc64: crc64.digest(), segments })
    } finally {
      crc64.release()
      if (!kept) await writer.discard()
    }
  }

/** A body that must be there, and be XML, of at most `limit` bytes: the children of its root. */
export const readXmlBody = async (
  call: EmulatorRequest,
  root: string,
  limit: number
): Promise<E.Either<ServiceError, ReadonlyArray<Element>>> => {
  const head = checkHead(call, { chunked: true })
  if (E.isLeft(head)) return head
  if ((call.body.declared ?? 0) > limit) return fail('XMLSizeLimit')
  const reader = xmlReader()
  const md5 = createHash('md5')
  const rows: Array<Element> = []
  let size = 0
  let problem: string | undefined
  const take = (events: ReturnType<typeof reader.finish>): void => {
    if (E.isLeft(events)) problem ??= events.left
    else
      for (const event of events.right) {
        if (event._tag === 'Row') rows.push(event.row)
        else if (event.name !== root) problem ??= `its root should be ${root}`
      }
  }
  // Read to the end even when it is hopeless: the connection is used again.
  for await (const chunk of call.body.read()) {
    size += chunk.length
    md5.update(chunk)
    if (size <= limit) take(reader.step(chunk))
  }
  if (size > limit) return fail('XMLSizeLimit')
  if (size === 0) return fail('MissingRequestBodyError')
  if (head.right !== undefined && md5.digest('hex') !== head.right) return fail('BadDigest')
  take(reader.finish())
  return problem === undefined ? E.right(rows) : fail('MalformedXML', `The XML is not valid: ${problem}.`)
}

/** A body that must be absent, yet declared so: `Content-Length: 0`. */
export const readEmptyBody = async (call: EmulatorRequest): Promise<E.Either<ServiceError, true>> => {
  if (call.body.declared === undefined && !call.body.chunked) return fail('MissingContentLength')
  for await (const chunk of call.body.read())
    if (chunk.length > 0) return fail('InvalidRequest', 'This request takes no body.')
  return E.right(true)
}
