/** The faults of the matrix: what a server, a proxy or a connection may do to one request. */
import type { Fault } from '../../lib/emulator/index.js'

export interface NamedFault {
  readonly name: string
  readonly fault: Fault
  /** Whether a client that can send the request again succeeds if the fault happens once. */
  readonly heals: boolean
  /** Whether the fault changes bytes, and only a checksum can tell. Responses in XML have none. */
  readonly isSilent?: boolean
  /** Whether it changes bytes or sizes. Only the checksum of the whole object may tell, too late for a retry. */
  readonly isDamage?: boolean
  /** Whether the client waits for the head of the response until a timeout. */
  readonly isWait?: boolean
  /** Whether only the code in the body of the error tells that it is transient. */
  readonly needsCode?: boolean
}

const html = '<!DOCTYPE html><html><body>Please log in</body></html>'
const proxy = { contentType: 'text/html', requestId: false, body: html } as const
const longer = 60_000

const responses: ReadonlyArray<NamedFault> = [
  { name: '500 InternalError', fault: { response: { status: 500, code: 'InternalError' } }, heals: true },
  { name: '503 SlowDown', fault: { response: { status: 503, code: 'SlowDown' } }, heals: true },
  { name: '503 without a body', fault: { response: { status: 503 } }, heals: true },
  { name: '502 of a proxy', fault: { response: { ...proxy, status: 502 } }, heals: true },
  { name: '429', fault: { response: { status: 429, code: 'TooManyRequests' } }, heals: true },
  {
    name: '400 RequestTimeout',
    fault: { response: { status: 400, code: 'RequestTimeout' } },
    heals: true,
    needsCode: true
  },
  { name: '403 AccessDenied', fault: { response: { status: 403, code: 'AccessDenied' } }, heals: false },
  {
    name: '403 before the body is read',
    fault: { response: { status: 403, code: 'AccessDenied', when: 'early' } },
    heals: false
  },
  { name: '404 NoSuchKey', fault: { response: { status: 404, code: 'NoSuchKey' } }, heals: false },
  { name: '409 PathConflict', fault: { response: { status: 409, code: 'PathConflict' } }, heals: false },
  {
    name: '412 PreconditionFailed',
    fault: { response: { status: 412, code: 'PreconditionFailed' } },
    heals: false
  },
  {
    name: '413 before the body is read',
    fault: { response: { status: 413, code: 'EntityTooLarge', when: 'early' } },
    heals: false
  },
  { name: '304', fault: { response: { status: 304 } }, heals: false },
  {
    name: '302 of a portal',
    fault: { response: { ...proxy, status: 302, headers: { location: 'http://127.0.0.1:1/' } } },
    // The backup domain, which has the same address here.
    heals: true
  },
  { name: '200 of a portal', fault: { response: { ...proxy, status: 200 } }, heals: true },
  { name: '200 with an error', fault: { error: { code: 'InternalError' } }, heals: true },
  {
    name: '503 after the request was performed',
    fault: { response: { status: 503, code: 'ServiceUnavailable', when: 'performed' } },
    heals: true
  }
]

const connections: ReadonlyArray<NamedFault> = [
  { name: 'closed before the body', fault: { cut: { at: 'request', after: 0 } }, heals: true },
  { name: 'reset in the body', fault: { cut: { at: 'request', after: 100 }, reset: true }, heals: true },
  { name: 'closed before the head', fault: { cut: { at: 'head' } }, heals: true },
  { name: 'reset before the head', fault: { cut: { at: 'head' }, reset: true }, heals: true },
  { name: 'closed in the head', fault: { cut: { at: 'head', after: 30 } }, heals: true },
  { name: 'closed after the head', fault: { cut: { at: 'body', after: 0 } }, heals: true },
  { name: 'closed in the response', fault: { cut: { at: 'body', after: 70 } }, heals: true },
  { name: 'reset in the response', fault: { cut: { at: 'body', after: 70 }, reset: true }, heals: true },
  { name: 'half-closed before the head', fault: { cut: { at: 'head' }, halfClose: true }, heals: true },
  {
    name: 'half-closed in the response',
    fault: { cut: { at: 'body', after: 70 }, halfClose: true },
    heals: true
  }
]

const delays: ReadonlyArray<NamedFault> = [
  { name: 'late', fault: { delay: 30 }, heals: true },
  { name: 'no head', fault: { delay: longer }, heals: true, isWait: true },
  { name: 'stalls after the head', fault: { stall: { after: 0, pause: longer } }, heals: true },
  { name: 'stalls in the response', fault: { stall: { after: 70, pause: longer } }, heals: true },
  { name: 'throttled', fault: { throttle: { up: 4_000_000, down: 4_000_000 } }, heals: true },
  { name: 'dribbles', fault: { dribble: { size: 40_000, pause: 1 } }, heals: true },
  { name: 'white space first', fault: { keepAlive: { bytes: 50 } }, heals: true, isDamage: true }
]

const damages: ReadonlyArray<NamedFault> = [
  { name: 'first byte flipped', fault: { flip: 0 }, heals: true, isDamage: true, isSilent: true },
  { name: 'byte 120 flipped', fault: { flip: 120 }, heals: true, isDamage: true, isSilent: true },
  { name: 'no parts listed', fault: { loseParts: [1, 2, 3] }, heals: true, isDamage: true, isSilent: true },
  { name: 'empty response', fault: { shorten: 0 }, heals: true, isDamage: true },
  { name: 'shorter response', fault: { shorten: 60 }, heals: true, isDamage: true },
  // Of a HEAD before a copy it is final.
  { name: 'wrong CRC64', fault: { headers: { 'x-cos-hash-crc64ecma': '1' } }, heals: false },
  { name: 'no CRC64', fault: { headers: { 'x-cos-hash-crc64ecma': null } }, heals: true },
  { name: 'no ETag', fault: { headers: { etag: null } }, heals: false },
  { name: 'another ETag', fault: { headers: { etag: '"0"' } }, heals: false },
  { name: 'no date', fault: { headers: { date: null } }, heals: true },
  { name: 'a wrong date', fault: { headers: { date: 'Tue, 01 Jan 2030 00:00:00 GMT' } }, heals: true },
  {
    name: 'larger Content-Length',
    fault: { headers: { 'content-length': '99999999' } },
    heals: true,
    isDamage: true,
    isSilent: true
  },
  {
    name: 'smaller Content-Length',
    fault: { headers: { 'content-length': '3' } },
    heals: true,
    isDamage: true,
    isSilent: true
  },
  {
    name: 'another range',
    fault: { headers: { 'content-range': 'bytes 1-2/3' } },
    heals: false
  },
  { name: 'range ignored', fault: { ignoreRange: true }, heals: false }
]

export const faults: ReadonlyArray<NamedFault> = [...responses, ...connections, ...delays, ...damages]
