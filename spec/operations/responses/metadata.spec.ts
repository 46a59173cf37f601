import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as io from 'io-ts'
import t from 'tap'
import * as W from '../../../lib/core/wire.js'
import {
  responseMetadata,
  encryptionInfo,
  optional,
  lenient,
  readHeaders,
  readOnly,
  Text
} from '../../../lib/operations/responses/metadata.js'
import { fetchResponse } from '../../support/responses.js'

t.test('metadata has the request id and all headers', async (t) => {
  const headers = { 'x-cos-request-id': 'NjYwMQ==', 'X-Cos-Anything': 'a', 'content-length': '0' }
  const metadata = responseMetadata(await fetchResponse(t, { headers }))
  t.equal(metadata.requestId, 'NjYwMQ==')
  t.match(metadata.headers, { 'x-cos-request-id': 'NjYwMQ==', 'x-cos-anything': 'a', date: String })
  t.equal(responseMetadata(await fetchResponse(t, {})).requestId, '')
})

t.test('optional: missing or empty is none, and an invalid value fails', async (t) => {
  const Size = optional(W.ByteCount)
  t.same(Size.decode(undefined), E.right(O.none))
  t.same(Size.decode(''), E.right(O.none))
  t.same(Size.decode('12'), E.right(O.some(12)))
  t.equal(E.isLeft(Size.decode('twelve')), true)
  t.same([Size.encode(O.some(12)), Size.encode(O.none)], ['12', undefined])
  t.same([Size.is(O.some(12)), Size.is(12)], [true, false])
})

t.test('lenient: an invalid value is none', async (t) => {
  const When = lenient(W.Timestamp)
  t.same(When.decode('2024-05-02T09:30:11'), E.right(O.some(new Date('2024-05-02T09:30:11Z'))))
  for (const wrong of [undefined, '', 'soon', 3]) t.same(When.decode(wrong), E.right(O.none))
  t.equal(When.encode(O.none), undefined)
  t.equal(When.is(O.none), true)
})

t.test('readOnly fails with the expected form', async (t) => {
  const Even = readOnly('an even number', (text) => (Number(text) % 2 === 0 ? Number(text) : undefined))
  t.same(Even.decode('4'), E.right(4))
  for (const wrong of ['3', 4]) {
    t.same(W.decodeWith(io.type({ n: Even }))({ n: wrong }), E.left(['n: must be an even number']))
  }
  t.equal(Even.encode(4), '4')
  t.same([Even.is(4), Even.is(undefined)], [true, false])
  t.same(W.decodeWith(io.type({ a: Text }))({ a: '' }), E.left(['a: must be text, not empty']))
})

t.test('invalid headers are a DecodeError with all problems', async (t) => {
  const response = await fetchResponse(t, { headers: { a: 'x', b: 'y', 'x-cos-request-id': 'NjYwMQ==' } })
  t.same(readHeaders(io.type({ a: Text }))(response), E.right({ ...response.headers, a: 'x' }))
  t.match(readHeaders(io.type({ a: W.ByteCount, b: W.Crc64 }))(response), {
    left: {
      _tag: 'DecodeError',
      status: 200,
      requestId: 'NjYwMQ==',
      problems: ['a: must be a whole number', 'b: must be a CRC64 in decimal']
    }
  })
})

t.test('encryption headers are decoded', async (t) => {
  const sse = 'x-cos-server-side-encryption'
  t.same(encryptionInfo({}), O.none)
  t.same(encryptionInfo({ [sse]: 'AES256' }), O.some({ type: 'COS' }))
  t.same(encryptionInfo({ [sse]: 'cos/kms' }), O.some({ type: 'KMS', keyId: O.none }))
  t.same(
    encryptionInfo({ [sse]: 'cos/kms', [`${sse}-cos-kms-key-id`]: '48ba38aa' }),
    O.some({ type: 'KMS', keyId: O.some('48ba38aa') })
  )
  t.same(
    encryptionInfo({
      [`${sse}-customer-algorithm`]: 'AES256',
      [`${sse}-customer-key-md5`]: 'U5L61r7jcwdNvT7frmUG8g=='
    }),
    O.some({ type: 'C', keyMd5: O.some('U5L61r7jcwdNvT7frmUG8g==') })
  )
  t.same(encryptionInfo({ [sse]: 'SM4' }), O.some({ type: 'Other', algorithm: 'SM4' }))
})
