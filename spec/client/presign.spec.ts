import t from 'tap'
import { sign } from '../../lib/core/signature.js'
import { presign } from '../../lib/client/presign.js'
import { probeGet, probePut } from '../support/minimal-operations.js'
import { at, clientOf, credentials, left, right } from '../support/server.js'

const host = 'examplebucket-1250000000.cos.ap-guangzhou.myqcloud.com'

t.test('a signed URL has the signature of its request, every field encoded, in order', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')({ credentials: { ...credentials, sessionToken: 'a+b/c=' } })
  const query = { 'response-content-type': 'text/plain; charset=utf-8' }
  const made = right(await presign(probeGet({ ...at, key: 'a b/../c', query }), 600)(client)())
  const url = new URL(made.url)
  t.equal(url.pathname, '/a%20b/..%2Fc')
  t.equal(url.host, host)
  t.notMatch(made.url, /;|\+|[?&]x-cos-security-token=a\+b/)
  t.match(made.url, /x-cos-security-token=a%2Bb%2Fc%3D/)
  t.same([...url.searchParams.keys()].slice(-7), [
    'q-sign-algorithm',
    'q-ak',
    'q-sign-time',
    'q-key-time',
    'q-header-list',
    'q-url-param-list',
    'q-signature'
  ])
  const keyTime = url.searchParams.get('q-key-time') ?? ''
  const [from, to] = keyTime.split(';').map(Number)
  t.equal((to ?? 0) - (from ?? 0), 660)
  t.equal(made.expiresAt.getTime() / 1000, to)
  t.equal(
    url.searchParams.get('q-signature'),
    sign({
      ...credentials,
      keyTime,
      method: 'GET',
      path: '/a b/../c',
      query: { ...query, 'x-cos-security-token': 'a+b/c=' },
      headers: { host }
    }).signature
  )
})

t.test('presign returns the signed headers, and puts the traffic limit into the URL', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')()
  const headers = { 'x-cos-acl': 'private', 'content-type': 'text/plain', 'x-cos-traffic-limit': '819200' }
  const made = right(await presign(probePut({ ...at, headers }), 60)(client)())
  t.same(made.headers, { 'x-cos-acl': 'private', 'content-type': 'text/plain' })
  t.match(made.url, /[?&]x-cos-traffic-limit=819200&/)
  t.match(made.url, /q-header-list=host%3Bx-cos-acl&q-url-param-list=x-cos-traffic-limit&/)
})

t.test('presign refuses invalid input and an anonymous client', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')
  for (const expiresIn of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.match(left(await presign(probeGet(at), expiresIn)(client())()), {
      _tag: 'InvalidInput',
      field: 'expiresIn'
    })
  }
  t.match(left(await presign(probeGet({ ...at, key: '' }), 60)(client())()), {
    _tag: 'InvalidInput',
    field: 'key'
  })
  t.match(left(await presign(probeGet(at), 60)(client({ credentials: 'anonymous' }))()), {
    _tag: 'CredentialsError'
  })
})
