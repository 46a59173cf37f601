import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { deleteObject } from '../../lib/operations/delete-object.js'
import { decodeResponse, left, right, xmlResponse } from '../support/responses.js'
import { at, emptyRequest, problemOf, requestOf } from '../support/operations.js'

t.test('the request has the object or one version, and nothing else', async (t) => {
  t.equal(deleteObject(at).action, 'DeleteObject')
  t.same(requestOf(deleteObject(at)), { ...emptyRequest, method: 'DELETE' })
  t.same(
    requestOf(deleteObject({ ...at, versionId: 'null', headers: { 'x-cos-a': '1' }, query: { b: '2' } })),
    {
      ...emptyRequest,
      method: 'DELETE',
      query: { versionId: 'null', b: '2' },
      headers: { 'x-cos-a': '1' }
    }
  )
})

t.test('an input that could delete something else is an InvalidInput', async (t) => {
  // DELETE of the empty key deletes the bucket.
  t.match(problemOf(deleteObject({ ...at, key: '' })), /^key: /)
  t.match(problemOf(deleteObject({ ...at, key: '/' })), /^key: /)
  t.match(problemOf(deleteObject({ ...at, key: 'a/../..' })), /^key: /)
  t.match(problemOf(deleteObject({ ...at, versionId: '' })), /^versionId: /)
})

const { decode } = deleteObject(at)

const requestId = { 'x-cos-request-id': 'NjYwMQ==' }

t.test('only a 204 of COS is a success', async (t) => {
  const { headers: _, ...rest } = right(await decodeResponse(t, decode, { status: 204, headers: requestId }))
  t.same(rest, { requestId: 'NjYwMQ==', versionId: O.none, deleteMarker: false })
  const html = { headers: { 'content-type': 'text/html' }, chunks: ['<html>Sign in</html>'] }
  for (const response of [{ status: 200, headers: requestId }, { status: 204 }, { status: 200, ...html }]) {
    const error = left(await decodeResponse(t, decode, response))
    t.match(error, { _tag: 'DecodeError', status: response.status }, JSON.stringify(response))
  }
})

t.test('the result has the delete marker and its version', async (t) => {
  const headers = { ...requestId, 'x-cos-version-id': 'MTg0', 'x-cos-delete-marker': 'true' }
  t.match(right(await decodeResponse(t, decode, { status: 204, headers })), {
    versionId: O.some('MTg0'),
    deleteMarker: true
  })
  const removed = { ...requestId, 'x-cos-version-id': 'MTg0', 'x-cos-delete-marker': 'FALSE' }
  t.match(right(await decodeResponse(t, decode, { status: 204, headers: removed })), { deleteMarker: false })
})

t.test('an invalid x-cos-delete-marker is a DecodeError', async (t) => {
  const failed = left(
    await decodeResponse(t, decode, { status: 204, headers: { ...requestId, 'x-cos-delete-marker': 'no' } })
  )
  t.match(failed, { _tag: 'DecodeError', problems: [/^x-cos-delete-marker/] })
})

t.test('an error response is a ServiceError with COS’s code', async (t) => {
  const xml = '<Error><Code>ObjectLocked</Code><Message>Locked.</Message></Error>'
  t.match(left(await decodeResponse(t, decode, { ...xmlResponse(xml), status: 409 })), {
    _tag: 'ServiceError',
    status: 409,
    code: 'ObjectLocked'
  })
})
