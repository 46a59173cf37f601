import { inspect } from 'node:util'
import * as E from 'fp-ts/lib/Either.js'
import t from 'tap'
import { headObject } from '../../../lib/operations/head-object.js'
import {
  copySourceEncryptionHeaders,
  encryptionHeaders,
  withCustomerKey,
  withEncryption,
  type WithCustomerKey,
  type WithEncryption
} from '../../../lib/operations/parameters/encryption.js'
import { at, validateFields, withoutUndefined } from '../../support/operations.js'

const headers = (sse: unknown) => {
  const checked = validateFields<WithEncryption>(withEncryption)({ sse })
  return E.isRight(checked) ? withoutUndefined(encryptionHeaders(checked.right)) : checked.left
}

// A pair that was computed for the protocol's reference: this key in ASCII, and its MD5.
const key = Buffer.from('0123456789ABCDEF0123456789ABCDEF')
const keyText = 'MDEyMzQ1Njc4OUFCQ0RFRjAxMjM0NTY3ODlBQkNERUY='
const keyMd5 = 'U5L61r7jcwdNvT7frmUG8g=='

t.test('each kind of encryption is sent as its headers', async (t) => {
  t.same(headers(undefined), {})
  t.same(headers({ type: 'COS' }), { 'x-cos-server-side-encryption': 'AES256' })
  t.same(headers({ type: 'KMS' }), { 'x-cos-server-side-encryption': 'cos/kms' })
  t.same(headers({ type: 'KMS', keyId: '48ba38aa-26c5-11ea-855c-52540085e000', context: { a: 'test' } }), {
    'x-cos-server-side-encryption': 'cos/kms',
    'x-cos-server-side-encryption-cos-kms-key-id': '48ba38aa-26c5-11ea-855c-52540085e000',
    'x-cos-server-side-encryption-context': 'eyJhIjoidGVzdCJ9'
  })
  t.same(headers({ type: 'C', key }), {
    'x-cos-server-side-encryption-customer-algorithm': 'AES256',
    'x-cos-server-side-encryption-customer-key': keyText,
    'x-cos-server-side-encryption-customer-key-md5': keyMd5
  })
})

t.test('the customer key of a copy source has separate headers', async (t) => {
  t.same(copySourceEncryptionHeaders(undefined), {})
  t.same(copySourceEncryptionHeaders({ type: 'C', key }), {
    'x-cos-copy-source-server-side-encryption-customer-algorithm': 'AES256',
    'x-cos-copy-source-server-side-encryption-customer-key': keyText,
    'x-cos-copy-source-server-side-encryption-customer-key-md5': keyMd5
  })
})

t.test('a key may be a view of a larger buffer', async (t) => {
  const slab = new Uint8Array(100)
  slab.set(key, 7)
  t.match(headers({ type: 'C', key: slab.subarray(7, 39) }), {
    'x-cos-server-side-encryption-customer-key': keyText
  })
})

t.test('a key of another length is an InvalidInput without the key', async (t) => {
  for (const wrong of [key.subarray(1), Buffer.concat([key, key]), keyText]) {
    t.equal(headers({ type: 'C', key: wrong }), 'sse.key: must be 32 bytes')
  }
})

t.test('an unknown kind of encryption is an InvalidInput that names the field', async (t) => {
  const modes = "must be { type: 'COS' }, { type: 'KMS' } or { type: 'C', key }"
  for (const nonsense of [{}, { type: 'AES256' }, 'AES256', { key }, null]) {
    t.equal(headers(nonsense), `sse: ${modes}`)
  }
  t.match(headers({ type: 'COS', key }), /^sse\.key: is not a known field/)
  t.match(headers({ type: 'KMS', keyId: 'a\nb' }), /^sse\.keyId: must be a string that a header/)
  t.match(headers({ type: 'KMS', context: { a: 1 } }), /^sse\.context\.a/)
})

t.test('reads and parts accept only a customer key', async (t) => {
  const judge = validateFields<WithCustomerKey>(withCustomerKey)
  t.same(judge({ sse: { type: 'C', key } }), E.right({ sse: { type: 'C', key } }))
  t.same(judge({ sse: { type: 'COS' } }), E.left("sse: must be { type: 'C', key } with a key of 32 bytes"))
})

t.test('an operation with a customer key prints and serializes without it', async (t) => {
  const operation = headObject({ ...at, sse: { type: 'C', key } })
  for (const text of [inspect(operation, { depth: null, showHidden: true }), JSON.stringify(operation)]) {
    t.notMatch(text, keyText)
    t.notMatch(text, key.toString())
  }
})
