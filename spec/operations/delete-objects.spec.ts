import { createHash } from 'node:crypto'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { deleteObjects } from '../../lib/operations/delete-objects.js'
import { decodeResponse, left, right, xmlResponse } from '../support/responses.js'
import { at, emptyRequest, problemOf, requestOf } from '../support/operations.js'

const { bucket } = at
const { key: _, ...onBucket } = emptyRequest

t.test('the request has the length and MD5 of COS’s sample', async (t) => {
  const operation = deleteObjects({
    bucket,
    objects: [{ key: 'logs/a.txt' }, { key: 'logs/b & c.txt', versionId: 'MTg0NDUxNTc2' }]
  })
  t.equal(operation.action, 'DeleteObjects')
  const body =
    '<Delete><Quiet>false</Quiet><Object><Key>logs/a.txt</Key></Object><Object><Key>logs/b &amp; c.txt</Key>' +
    '<VersionId>MTg0NDUxNTc2</VersionId></Object></Delete>'
  // 156 bytes and this MD5 were computed outside.
  t.equal(Buffer.byteLength(body), 156)
  t.same(requestOf(operation), {
    ...onBucket,
    method: 'POST',
    query: { delete: '' },
    headers: { 'content-type': 'application/xml', 'content-md5': 'nxDOG82b3X9Uiv7gtfohTg==' },
    body
  })
})

t.test('every parameter is sent', async (t) => {
  const operation = deleteObjects({
    bucket,
    objects: [{ key: '/ a\r\n"<1>\u007f腾' }],
    quiet: true,
    headers: { 'x-cos-extra': '1' },
    query: { extra: '2' }
  })
  const body = '<Delete><Quiet>true</Quiet><Object><Key> a&#13;\n"&lt;1&gt;\u007f腾</Key></Object></Delete>'
  t.same(requestOf(operation), {
    ...onBucket,
    method: 'POST',
    query: { delete: '', extra: '2' },
    headers: {
      'content-type': 'application/xml',
      'content-md5': createHash('md5').update(body).digest('base64'),
      'x-cos-extra': '1'
    },
    body
  })
})

t.test('1 to 1,000 keys are accepted', async (t) => {
  const many = (length: number) => ({
    bucket,
    objects: Array.from({ length }, (_, n) => ({ key: `k${String(n)}` }))
  })
  t.match(requestOf(deleteObjects(many(1000))), { body: /<Key>k999<\/Key>/ })
  t.equal(problemOf(deleteObjects(many(0))), 'objects: must be 1 to 1,000 objects')
  t.equal(problemOf(deleteObjects(many(1001))), 'objects: must be 1 to 1,000 objects')
})

t.test('a key that XML cannot express is an InvalidInput with its path', async (t) => {
  const third = (key: string) =>
    problemOf(deleteObjects({ bucket, objects: [{ key: 'a' }, { key: 'b' }, { key }] }))
  for (const key of ['a\0', 'a\u0001b', 'a\ufffe']) {
    t.match(third(key), /^objects\.2\.key: must be a key without control characters/)
  }
  t.match(third(''), /^objects\.2\.key: must not be empty/)
  t.match(third('\ud800'), /^objects\.2\.key: .*surrogates/)
  t.match(third('a'.repeat(851)), /^objects\.2\.key: .*850/)
})

t.test('an invalid field is an InvalidInput that names it', async (t) => {
  const remove = (more: object) => problemOf(deleteObjects({ bucket, objects: [{ key: 'a' }], ...more }))
  t.match(remove({ objects: [{ key: 'a', versionId: '' }] }), /^objects\.0\.versionId: /)
  t.match(remove({ objects: [{ Key: 'a' }] }), /^objects\.0\.Key: is not a known field/)
  t.match(remove({ objects: 'a' }), /^objects: /)
  t.match(remove({ quiet: 'true' }), /^quiet: must be true or false/)
  t.match(remove({ bucket: '' }), /^bucket: /)
  // A key that normalizes to an empty path is harmless: these keys are not in a path.
  t.match(requestOf(deleteObjects({ bucket, objects: [{ key: 'a/..' }] })), { body: /<Key>a\/\.\.<\/Key>/ })
})

const { decode } = deleteObjects({ bucket, objects: [{ key: 'a' }] })

t.test('the results are in the order of the response', async (t) => {
  const xml =
    '<?xml version="1.0"?>\n<DeleteResult xmlns="http://www.qcloud.com/document/product/436/7751">\n' +
    '  <Deleted><Key>logs/a.txt</Key><DeleteMarker>true</DeleteMarker>' +
    '<DeleteMarkerVersionId>MTg0NDUxNzc2ODQ2</DeleteMarkerVersionId></Deleted>\n' +
    '  <Error><Key>logs/b &amp; c.txt</Key><VersionId>MTg0NDUxNTc2</VersionId>' +
    '<Code>PathConflict</Code><Message>Path conflict.</Message></Error>\n' +
    '  <Deleted><Key> 00123 </Key><VersionId>null</VersionId></Deleted>\n' +
    '  <Error><Key>d</Key><Code>AccessDenied</Code></Error><Unheard/>\n</DeleteResult>'
  const { headers: raw, ...rest } = right(await decodeResponse(t, decode, xmlResponse(xml)))
  t.match(raw, { 'content-type': 'application/xml' })
  t.same(rest, {
    requestId: 'NjYwMQ==',
    results: [
      {
        _tag: 'Deleted',
        key: 'logs/a.txt',
        versionId: O.none,
        deleteMarker: true,
        deleteMarkerVersionId: O.some('MTg0NDUxNzc2ODQ2')
      },
      {
        _tag: 'Error',
        key: 'logs/b & c.txt',
        versionId: O.some('MTg0NDUxNTc2'),
        code: 'PathConflict',
        message: 'Path conflict.'
      },
      {
        _tag: 'Deleted',
        key: ' 00123 ',
        versionId: O.some('null'),
        deleteMarker: false,
        deleteMarkerVersionId: O.none
      },
      { _tag: 'Error', key: 'd', versionId: O.none, code: 'AccessDenied', message: '' }
    ]
  })
})

t.test('a quiet response without failures has no results', async (t) => {
  for (const xml of ['<DeleteResult/>', '<DeleteResult></DeleteResult>']) {
    t.same(right(await decodeResponse(t, decode, xmlResponse(xml))).results, [])
  }
})

t.test('1,000 results are decoded', async (t) => {
  const row = (n: number) => `<Deleted><Key>k${String(n)}</Key></Deleted>`
  const xml = `<DeleteResult>${Array.from({ length: 1000 }, (_, n) => row(n)).join('')}</DeleteResult>`
  const { results } = right(await decodeResponse(t, decode, xmlResponse(xml)))
  t.same(
    results.map(({ key }) => key),
    Array.from({ length: 1000 }, (_, n) => `k${String(n)}`)
  )
})

t.test('an invalid response is a typed error', async (t) => {
  const error = '<Error><Code>MalformedXML</Code></Error>'
  t.match(left(await decodeResponse(t, decode, { ...xmlResponse(error), status: 400 })), {
    _tag: 'ServiceError',
    status: 400,
    code: 'MalformedXML'
  })
  t.match(left(await decodeResponse(t, decode, xmlResponse(error))), { _tag: 'ServiceError', status: 200 })
  for (const [xml, problem] of [
    ['<DeleteResult><Deleted></Deleted></DeleteResult>', /^Key: (?:must be|is missing)/],
    [
      '<DeleteResult><Deleted><Key>a</Key><DeleteMarker>?</DeleteMarker></Deleted></DeleteResult>',
      /^DeleteMarker/
    ],
    ['<DeleteResult><Error><Key>a</Key></Error></DeleteResult>', /^Code: (?:must be|is missing)/]
  ] as const) {
    t.match(left(await decodeResponse(t, decode, xmlResponse(xml))), {
      _tag: 'DecodeError',
      problems: [problem]
    })
  }
  t.match(left(await decodeResponse(t, decode, xmlResponse('<DeleteResult><Deleted>'))), {
    _tag: 'TransportError'
  })
})
