import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import * as In from '../../lib/core/input.js'
import * as R from '../../lib/core/request.js'

const bucket = 'examplebucket-1250000000'
const ref: R.ObjectRef = { bucket, key: 'a.txt' }
const ObjectRef = In.struct<R.ObjectRef>('an object', R.objectRef)
const field = (u: unknown) => {
  const checked = ObjectRef.decode(u)
  return E.isLeft(checked) ? In.firstProblem(checked.left).field : undefined
}

// -- references --
t.test('a bucket name has its APPID, is in lower case, and has at most 60 characters', async (t) => {
  for (const name of [bucket, 'a-1', '0-0', `${'a'.repeat(49)}-1250000000`]) {
    t.equal(field({ bucket: name, key: 'a' }), undefined, name)
  }
  const bad = [
    '',
    'examplebucket',
    'Example-1',
    '-a-1',
    'a-',
    'a_b-1',
    'a/b-1',
    'a.b-1',
    'a@b-1',
    ' a-1',
    'a-1\n',
    'a-x'
  ]
  for (const name of [...bad, 'a?-1', 'a#-1', 'a:1-1', '腾-1', `${'a'.repeat(50)}-1250000000`, 7]) {
    t.equal(field({ bucket: name, key: 'a' }), 'bucket', String(name))
  }
})

t.test(
  'a key loses one leading slash, however often it is validated, and a misspelled field is refused',
  async (t) => {
    for (const [key, raw] of [
      ['/a', 'a'],
      ['//a', '/a']
    ] as const) {
      const checked = pipe(ObjectRef.decode({ bucket, key }), E.chain(ObjectRef.decode))
      t.same(E.map((valid: R.ObjectRef) => R.get(valid).key)(checked), E.right(O.some(raw)))
    }
    t.equal(field({ bucket, key: '' }), 'key')
    t.equal(field({ bucket, key: 'a', Key: 'a' }), 'Key')
    t.equal(field({ bucket, key: 'a', allowPathLikeKey: 'yes' }), 'allowPathLikeKey')
  }
)

t.test(
  'extra headers are sent unchanged; those of the connection and the signature are rejected',
  async (t) => {
    const withHeader = (name: string, value: unknown = 'x') => field({ ...ref, headers: { [name]: value } })
    for (const name of ['x-cos-any', 'X-Cos-Any', 'content-type', 'Range', 'if-match'])
      t.equal(withHeader(name), undefined, name)
    for (const name of [
      'Authorization',
      'host',
      'Content-Length',
      'Transfer-Encoding',
      'connection',
      'X-Cos-Security-Token'
    ]) {
      t.equal(withHeader(name), `headers.${name}`, name)
    }
    for (const name of ['', 'a b', 'a:b', 'a\r\nb', '腾'])
      t.equal(withHeader(name), name === '' ? 'headers' : `headers.${name}`, JSON.stringify(name))
    for (const value of ['a\r\nb', '腾', 1, null]) t.match(withHeader('x-a', value), /^headers/)
  }
)

t.test('extra query parameters are sent unchanged; those that select an upload are rejected', async (t) => {
  const withParameter = (name: string, value: unknown = '') => field({ ...ref, query: { [name]: value } })
  for (const name of ['acl', 'versionId', 'x-cos-traffic-limit', 'response-expires', '腾'])
    t.equal(withParameter(name), undefined, name)
  for (const name of [
    '',
    'uploadId',
    'UPLOADID',
    'partNumber',
    'uploads',
    'delete',
    'q-ak',
    'sign',
    'x-cos-security-token'
  ]) {
    t.equal(withParameter(name), name === '' ? 'query' : `query.${name}`, name)
  }
  t.equal(withParameter('a', '\ud800'), 'query.a')
  t.equal(withParameter('a', 1), 'query.a')
})

// -- building --
t.test('each builder returns a new request', async (t) => {
  const request = pipe(
    R.put(ref),
    R.withQuery({ partNumber: 1, uploadId: 'u', none: undefined, empty: '' }),
    R.withHeaders({ 'X-Cos-Acl': 'private', none: undefined, yes: true, n: 5 }),
    R.withHeaders({ 'x-cos-acl': '  public-read\t', blank: '  ' })
  )
  t.same(request, {
    method: 'PUT',
    bucket,
    key: O.some('a.txt'),
    query: { partNumber: '1', uploadId: 'u', empty: '' },
    headers: { 'x-cos-acl': 'public-read', yes: 'true', n: '5' },
    body: { _tag: 'Empty' },
    computeMd5: false,
    expectContinue: false,
    slow: false
  })
  t.same(Object.keys(request.query), ['partNumber', 'uploadId', 'empty'], 'in the order they were given')
  t.same(R.onBucket('GET')(ref).key, O.none)
  t.same(
    [R.get, R.head, R.put, R.post, R.del].map((build) => build(ref).method),
    ['GET', 'HEAD', 'PUT', 'POST', 'DELETE']
  )
  t.equal(R.withSlowHeaders(request).slow, true)
  t.equal(request.slow, false)
})

t.test('the caller’s extra headers and parameters override others, and are last', async (t) => {
  const request = pipe(
    R.get(ref),
    R.withQuery({ versionId: '1', a: '' }),
    R.withHeaders({ range: 'bytes=0-1' }),
    R.withExtras({
      bucket,
      query: { b: '2', versionId: '3' },
      headers: { Range: 'bytes=2-3', 'X-Other': 'y' }
    })
  )
  t.same(request.query, { versionId: '3', a: '', b: '2' })
  t.same(request.headers, { range: 'bytes=2-3', 'x-other': 'y' })
})

t.test('withXml sets the content type and the Content-MD5', async (t) => {
  const request = R.withXml(['Delete', [['Key', '"<腾>"']]])(R.post(ref))
  const bytes = Buffer.from('<Delete><Key>"&lt;腾&gt;"</Key></Delete>')
  t.same(request.body, { _tag: 'Bytes', chunks: [bytes], size: bytes.length, crc64: O.none })
  t.same(request.headers, {
    'content-type': 'application/xml',
    'content-md5': createHash('md5').update(bytes).digest('base64')
  })
})

t.test('the MD5 is computed if it is requested and not given', async (t) => {
  t.equal(R.withComputedMd5(true)(R.put(ref)).computeMd5, true)
  t.equal(R.withComputedMd5(false)(R.put(ref)).computeMd5, false)
  t.equal(R.withComputedMd5(undefined)(R.put(ref)).computeMd5, false)
  t.equal(pipe(R.put(ref), R.withHeaders({ 'Content-MD5': 'x' }), R.withComputedMd5(true)).computeMd5, false)
})

// -- secrets --
t.test('a customer’s key is sent, and hidden when the request is printed', async (t) => {
  const name = 'x-cos-server-side-encryption-customer-key'
  const source = 'x-cos-copy-source-server-side-encryption-customer-key'
  const request = R.redacted(
    pipe(R.put(ref), R.withHeaders({ [name]: 'secret', [source]: 'secret', 'x-other': 'shown' }))
  )
  t.equal(request.headers[name], 'secret')
  for (const shown of [inspect(request, { depth: 9, showHidden: true }), JSON.stringify({ request })]) {
    t.notMatch(shown, /secret/)
    t.match(shown, /shown/)
  }
})
