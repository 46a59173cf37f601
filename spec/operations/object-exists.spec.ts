import t from 'tap'
import { headObject } from '../../lib/operations/head-object.js'
import { objectExists } from '../../lib/operations/object-exists.js'
import { decodeResponse, left, right } from '../support/responses.js'
import { at, problemOf, requestOf } from '../support/operations.js'

const requested = { method: 'HEAD' } as const
const version = { ...at, versionId: 'MTg0' }

t.test('the request is that of headObject', async (t) => {
  t.same(requestOf(objectExists(version)), requestOf(headObject(version)))
  t.equal(objectExists(at).action, 'HeadObject')
  t.match(problemOf(objectExists({ ...at, key: '' })), /^key: /)
})

t.test('a 200 is true', async (t) => {
  const headers = { 'content-length': '1', etag: '"a"', 'last-modified': 'Wed, 28 Oct 2014 20:30:00 GMT' }
  t.equal(right(await decodeResponse(t, objectExists(at).decode, { headers }, requested)), true)
})

t.test('a 404 is false, and so is a 405 of a version', async (t) => {
  t.equal(right(await decodeResponse(t, objectExists(at).decode, { status: 404 }, requested)), false)
  t.equal(right(await decodeResponse(t, objectExists(version).decode, { status: 404 }, requested)), false)
  t.equal(right(await decodeResponse(t, objectExists(version).decode, { status: 405 }, requested)), false)
})

t.test('any other status is an error', async (t) => {
  for (const status of [304, 403, 405, 412, 500]) {
    t.match(left(await decodeResponse(t, objectExists(at).decode, { status }, requested)), {
      _tag: 'ServiceError',
      status
    })
  }
})
