import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { writeResult } from '../../../lib/operations/responses/write-result.js'
import { fetchResponse, left, right } from '../../support/responses.js'

const headers = {
  etag: '"5eb63bbbe01eeed093cb22bb8f5acdc3"',
  'x-cos-hash-crc64ecma': '5981764153023615706',
  'x-cos-server-side-encryption': 'AES256',
  'x-cos-request-id': 'NjYwMQ==',
  'content-length': '0'
}
const sent = { size: 11, crc64: O.some(5981764153023615706n) }

t.test('an equal checksum is Verified', async (t) => {
  const { headers: raw, ...rest } = right(writeResult(O.none)(await fetchResponse(t, { headers }, { sent })))
  t.match(raw, headers)
  t.same(rest, {
    requestId: 'NjYwMQ==',
    etag: '"5eb63bbbe01eeed093cb22bb8f5acdc3"',
    crc64: O.some(5981764153023615706n),
    sentCrc64: 5981764153023615706n,
    integrity: { _tag: 'Verified', crc64: 5981764153023615706n },
    sse: O.some({ type: 'COS' })
  })
})

t.test('without a checksum the result is Unverifiable', async (t) => {
  const { 'x-cos-hash-crc64ecma': _, ...silent } = headers
  const put = right(writeResult(O.none)(await fetchResponse(t, { headers: silent }, { sent })))
  t.same(put.integrity, { _tag: 'Unverifiable', reason: 'NoChecksum', crc64: sent.crc64 })
  t.same(put.crc64, O.none)
})

t.test('another checksum is an IntegrityError, with the part number', async (t) => {
  const wrong = { ...headers, 'x-cos-hash-crc64ecma': '1' }
  const error = { _tag: 'IntegrityError', check: 'crc64', expected: '5981764153023615706', got: '1' }
  t.match(left(writeResult(O.none)(await fetchResponse(t, { headers: wrong }, { sent }))), {
    ...error,
    part: O.none
  })
  t.match(left(writeResult(O.some(7))(await fetchResponse(t, { headers: wrong }, { sent }))), {
    ...error,
    part: O.some(7)
  })
})

t.test('a missing ETag or an invalid checksum is a DecodeError', async (t) => {
  t.match(
    left(writeResult(O.none)(await fetchResponse(t, { headers: { ...headers, etag: '' } }, { sent }))),
    {
      _tag: 'DecodeError',
      problems: [/^etag/]
    }
  )
  const torn = { ...headers, 'x-cos-hash-crc64ecma': '59817641530236157o6' }
  t.match(left(writeResult(O.none)(await fetchResponse(t, { headers: torn }, { sent }))), {
    _tag: 'DecodeError'
  })
})

t.test('a response before the end of the body is a TransportError', async (t) => {
  const early = { size: 5, crc64: O.none }
  t.match(left(writeResult(O.none)(await fetchResponse(t, { headers }, { sent: early }))), {
    _tag: 'TransportError',
    code: 'EarlyResponse'
  })
})
