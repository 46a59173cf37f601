import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { hostOf, queryText, targetOf, type Endpoint } from '../../lib/core/address.js'
import { formatError } from '../../lib/core/format-error.js'
import { urlEncode } from '../../lib/core/key.js'
import { createClient } from '../../lib/client/client.js'
import { credentials, left, right } from '../support/server.js'

const bucket = 'examplebucket-1250000000'
const at = (place: Endpoint, key: O.Option<string> = O.some('a b')) => targetOf(place, { bucket, key })

t.test('the host is that of region, endpoint or domain, in rising order of precedence', (t) => {
  const region = 'ap-guangzhou'
  const endpoint = 'cos.accelerate.myqcloud.com'
  const own = `${bucket}.cos.ap-guangzhou.myqcloud.com`
  t.same(at({ region }), { origin: `https://${own}`, peer: own, host: own, path: '/a%20b' })
  t.equal(at({ region: 'cos.ap-beijing-1' }).host, `${bucket}.cos.ap-beijing-1.myqcloud.com`)
  t.equal(at({ region, endpoint }).origin, `https://${bucket}.${endpoint}`)
  t.equal(at({ region, endpoint, domain: 'files.example.com' }).origin, 'https://files.example.com')
  t.equal(at({ region }, O.none).path, '/')
  t.end()
})

t.test('an address is connected to, and never signed', (t) => {
  const target = at({ region: 'ap-guangzhou', address: '127.0.0.1:9000', scheme: 'http' })
  t.equal(target.origin, 'http://127.0.0.1:9000')
  t.equal(target.peer, '127.0.0.1:9000')
  t.equal(target.host, `${bucket}.cos.ap-guangzhou.myqcloud.com`)
  t.end()
})

t.test('the host is written as it arrives: lower case, without a default port', (t) => {
  t.equal(at({ domain: 'Files.Example.com:443' }).host, 'files.example.com')
  t.equal(at({ domain: 'files.example.com:80', scheme: 'http' }).host, 'files.example.com')
  t.equal(at({ domain: 'files.example.com:80' }).host, 'files.example.com:80')
  t.equal(at({ endpoint: 'localhost:9000', scheme: 'http' }).host, `${bucket}.localhost:9000`)
  t.end()
})

t.test('a host that could send signed requests elsewhere is refused with its field', (t) => {
  const wrong: ReadonlyArray<readonly [keyof Endpoint, string]> = [
    ...['', 'a/b', 'a@b', 'a#b', 'a?b', 'a:b', 'a b', 'evil.com/', '.a', 'a.', 'a_b', 'a\n'].map(
      (x) => ['region', x] as const
    ),
    ...[
      'https://cos.example.com',
      'a/b',
      'user@host',
      'a b',
      'host:port',
      'a..b',
      '127.0.0.1:9000',
      'a:70000'
    ].map((x) => ['endpoint', x] as const),
    ...['https://files.example.com', 'a/b', 'user@host', '', 'a..', '.', 'a\\b', 'a%2fb', 'a\u200b'].map(
      (x) => ['domain', x] as const
    ),
    ...['http://127.0.0.1', '127.0.0.1:9000/x', '::1', '[::1:::]:80', 'a:70000', '1.2.3.4.5'].map(
      (x) => ['address', x] as const
    )
  ]
  for (const [field, text] of wrong) {
    const error = left(createClient({ region: 'ap-guangzhou', credentials, [field]: text }))
    t.match(error, { _tag: 'InvalidInput', field }, `${field} ${JSON.stringify(text)}`)
  }
  t.match(left(createClient({ credentials })), { _tag: 'InvalidInput', field: 'region' })
  t.end()
})

t.test('a host name that Node can resolve is accepted: underscores, a final dot, other scripts', (t) => {
  for (const [field, texts] of Object.entries({
    address: ['cos_emulator:9000', '_srv.local', 'cos-.local.', '[::1]:9000', 'localhost.:80'],
    endpoint: [
      'cos_emulator:9000',
      'cos.ap-guangzhou.myqcloud.com.',
      'cn-south-2.myqcloud.com',
      'cos-x.example'
    ],
    domain: [
      'files_1.example.com',
      'files.example.com.:8080',
      'bücher.example',
      `${bucket}.cos.x.myqcloud.com`
    ]
  })) {
    for (const text of texts) {
      t.ok(right(createClient({ region: 'ap-guangzhou', credentials, [field]: text })), `${field} ${text}`)
    }
  }
  t.end()
})

t.test('the final dot of a name reaches the resolver, and not COS', (t) => {
  t.match(at({ domain: 'files.example.com.' }), {
    origin: 'https://files.example.com.',
    host: 'files.example.com'
  })
  t.match(at({ endpoint: 'cos.local.:9000', scheme: 'http' }), {
    origin: `http://${bucket}.cos.local.:9000`,
    host: `${bucket}.cos.local:9000`
  })
  t.equal(hostOf({ endpoint: 'cos.local.' }, bucket), `${bucket}.cos.local`)
  t.equal(at({ domain: 'bücher.example' }).host, 'xn--bcher-kva.example')
  t.end()
})

t.test('an endpoint that has the bucket in it is refused, and the message has the right endpoint', (t) => {
  for (const endpoint of [
    'cos.ap-guangzhou.myqcloud.com',
    'cos.accelerate.myqcloud.com',
    'cos-internal.ap-guangzhou.tencentcos.cn'
  ]) {
    const error = left(createClient({ credentials, endpoint: `${bucket}.${endpoint}` }))
    t.equal(
      formatError(error),
      `createClient: endpoint: must not contain the bucket, which is put before it: use ${endpoint}`
    )
  }
  t.end()
})

t.test('a query keeps its order and is percent-encoded throughout', (t) => {
  t.equal(queryText({ uploads: '', 'a b': 'x+y/ü&=' }, urlEncode), 'uploads=&a%20b=x%2By%2F%C3%BC%26%3D')
  t.end()
})
