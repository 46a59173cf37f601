import t from 'tap'
import { restoreObject } from '../../lib/operations/restore-object.js'
import { decodeResponse, left, right, xmlResponse } from '../support/responses.js'
import { at, emptyRequest, problemOf, requestOf } from '../support/operations.js'

const bodyOf = (days: number, tier: string) =>
  `<RestoreRequest><Days>${String(days)}</Days><CASJobParameters><Tier>${tier}</Tier></CASJobParameters></RestoreRequest>`

t.test('a minimal request has the length and MD5 of COS’s sample', async (t) => {
  const operation = restoreObject({ ...at, days: 3 })
  t.equal(operation.action, 'RestoreObject')
  // 105 bytes and this MD5 were computed outside.
  t.equal(bodyOf(3, 'Standard').length, 105)
  t.same(requestOf(operation), {
    ...emptyRequest,
    method: 'POST',
    query: { restore: '' },
    headers: { 'content-type': 'application/xml', 'content-md5': 'c1441iqgEdD6iK4elw20ow==' },
    body: bodyOf(3, 'Standard')
  })
})

t.test('every parameter is sent', async (t) => {
  const operation = restoreObject({
    ...at,
    days: 365,
    tier: 'Expedited',
    versionId: 'MTg0',
    headers: { 'x-cos-extra': '1' },
    query: { extra: '2' }
  })
  t.match(requestOf(operation), {
    query: { restore: '', versionId: 'MTg0', extra: '2' },
    headers: { 'x-cos-extra': '1' },
    body: bodyOf(365, 'Expedited')
  })
  t.equal(Object.keys(requestOf(operation).query)[0], 'restore')
  t.match(requestOf(restoreObject({ ...at, days: 1, tier: 'Bulk' })), { body: bodyOf(1, 'Bulk') })
})

t.test('an invalid field is an InvalidInput that names it', async (t) => {
  const restore = (more: object) => problemOf(restoreObject({ ...at, days: 3, ...more }))
  for (const days of [0, -1, 1.5, '3', undefined])
    t.equal(
      restore({ days }),
      days === undefined ? 'days: is required' : 'days: must be an integer, at least 1 (days)'
    )
  t.equal(restore({ tier: 'standard' }), "tier: must be one of 'Expedited', 'Standard', 'Bulk'")
  t.match(restore({ versionId: '' }), /^versionId: /)
  t.match(restore({ key: '' }), /^key: /)
})

const { decode } = restoreObject({ ...at, days: 3 })

t.test('a 202 is a restore started, and a 200 one prolonged', async (t) => {
  const headers = { 'x-cos-request-id': 'NjYwMQ==' }
  const begun = right(await decodeResponse(t, decode, { status: 202, headers }))
  t.match(begun, { requestId: 'NjYwMQ==', alreadyRestored: false, headers })
  t.match(right(await decodeResponse(t, decode, { status: 200, headers })), { alreadyRestored: true })
})

t.test('an error response is a ServiceError with COS’s code', async (t) => {
  for (const [status, code] of [
    [409, 'RestoreAlreadyInProgress'],
    [405, 'RestoreNonArchiveObject'],
    [404, 'NoSuchKey']
  ] as const) {
    const xml = `<Error><Code>${code}</Code></Error>`
    t.match(left(await decodeResponse(t, decode, { ...xmlResponse(xml), status })), {
      _tag: 'ServiceError',
      status,
      code
    })
  }
})
