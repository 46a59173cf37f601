import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { headIfSame } from '../../lib/operations/head-if-same.js'
import { headObject } from '../../lib/operations/head-object.js'
import { decodeResponse, left, right } from '../support/responses.js'
import { at, requestOf } from '../support/operations.js'

const served = { method: 'HEAD' } as const
const expected = { size: 4, crc64: O.some(7n) }
const withoutSum = { 'content-length': '4', etag: '"a"', 'last-modified': 'Wed, 28 Oct 2014 20:30:00 GMT' }
const headers = { ...withoutSum, 'x-cos-hash-crc64ecma': '7' }

t.test('the request is that of headObject', async (t) => {
  t.same(requestOf(headIfSame(at, expected)), requestOf(headObject(at)))
})

t.test('an object of the expected size and CRC64 is returned', async (t) => {
  const found = right(await decodeResponse(t, headIfSame(at, expected).decode, { headers }, served))
  t.match(found, O.some({ etag: '"a"', size: 4, crc64: O.some(7n) }))
})

t.test('another size or CRC64, or an unknown one, is none', async (t) => {
  for (const other of [
    { ...expected, size: 5 },
    { ...expected, crc64: O.some(8n) },
    { ...expected, crc64: O.none }
  ]) {
    t.same(right(await decodeResponse(t, headIfSame(at, other).decode, { headers }, served)), O.none)
  }
  const { decode } = headIfSame(at, expected)
  t.same(right(await decodeResponse(t, decode, { headers: withoutSum }, served)), O.none)
})

t.test('a missing object is a ServiceError', async (t) => {
  const { decode } = headIfSame(at, expected)
  t.match(left(await decodeResponse(t, decode, { status: 404 }, served)), {
    _tag: 'ServiceError',
    status: 404
  })
})
