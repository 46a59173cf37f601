import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import type { ClientConfig } from '../../../lib/client/client.js'
import type { ObjectHead } from '../../../lib/operations/head-object.js'
import {
  atSource,
  inOneRequest,
  validateCopy,
  pinSource,
  copyCreateInput,
  copyHeadInput
} from '../../../lib/transfers/copy/options.js'
import { minimalAttributes } from '../../support/object-head.js'
import { clientOf } from '../../support/server.js'

const GiB = 1024 ** 3
const copySource = { bucket: 'otherbucket-1250000000', region: 'ap-guangzhou', key: 'a' }
const input = { bucket: 'examplebucket-1250000000', key: 'b', copySource }

const head: ObjectHead = {
  requestId: '',
  headers: {},
  size: 1,
  etag: '"e"',
  lastModified: O.some(new Date(0)),
  ...minimalAttributes
}

t.test(
  'one request copies below 5 GiB, and any size if region and storage class stay the same',
  async (t) => {
    const client = (config: Partial<ClientConfig> = {}) => clientOf(t, '127.0.0.1:1')(config)
    const large = { ...head, size: 5 * GiB }
    const shanghai = { ...input, copySource: { ...copySource, region: 'ap-shanghai' } }
    t.ok(inOneRequest(client(), shanghai, { ...large, size: 5 * GiB - 1 }))
    t.notOk(inOneRequest(client(), shanghai, large))
    t.ok(inOneRequest(client(), input, { ...large, size: 5000 * GiB }))
    t.ok(inOneRequest(client(), { ...input, storageClass: 'standard' }, large))
    t.notOk(inOneRequest(client(), { ...input, storageClass: 'ARCHIVE' }, large))
    t.notOk(
      inOneRequest(client(), input, { ...large, storageClass: 'STANDARD_IA' }),
      'left out, it is STANDARD'
    )
    t.ok(
      inOneRequest(client(), { ...input, storageClass: 'MAZ_COLD' }, { ...large, storageClass: 'maz_cold' })
    )

    const endpoint = 'cos.AP-guangzhou.myqcloud.com'
    t.ok(inOneRequest(client(), { ...input, copySource: { ...copySource, endpoint } }, large))
    t.notOk(inOneRequest(client({ endpoint: 'cos.accelerate.myqcloud.com' }), input, large))
    t.notOk(
      inOneRequest(client({ domain: 'files.example.com' }), input, large),
      'what a domain hides is not known'
    )
  }
)

t.test('a given threshold decides alone, except for an empty object', async (t) => {
  const client = clientOf(t, '127.0.0.1:1')()
  t.notOk(inOneRequest(client, { ...input, threshold: 1 }, head))
  t.ok(inOneRequest(client, { ...input, threshold: 2 }, head))
  t.ok(inOneRequest(client, { ...input, threshold: 0 }, { ...head, size: 0 }))
})

t.test("the client for the source has the source's host, and the same scheme and address", async (t) => {
  const client = clientOf(t, '127.0.0.1:1')({ domain: 'files.example.com' })
  t.same(atSource(client, copySource).endpoint, {
    scheme: 'http',
    address: '127.0.0.1:1',
    region: 'ap-guangzhou'
  })
  const endpoint = 'cos-internal.ap-shanghai.tencentcos.cn'
  t.same(atSource(client, { ...copySource, endpoint }).endpoint, {
    scheme: 'http',
    address: '127.0.0.1:1',
    endpoint
  })
  t.equal(atSource(client, copySource).signer, client.signer)
})

t.test('the metadata of the source are copied unchanged, also with unusual names', async (t) => {
  const raw = {
    'content-type': 'a/b',
    'x-cos-meta-under_score': '1',
    'x-cos-hash-crc64ecma': '7',
    etag: '"e"',
    expires: 'soon'
  }
  t.same(copyCreateInput(input, { ...head, headers: raw }), {
    bucket: input.bucket,
    key: input.key,
    headers: { 'content-type': 'a/b', 'x-cos-meta-under_score': '1', expires: 'soon' }
  })
  t.same(
    copyCreateInput({ ...input, copyStatus: 'Replaced', contentType: 'c/d' }, { ...head, headers: raw }),
    {
      bucket: input.bucket,
      key: input.key,
      contentType: 'c/d'
    }
  )
})

t.test('the source is pinned by its ETag, and by its version if it has one', async (t) => {
  t.same(pinSource(input, head), { copySource, copySourceIfMatch: '"e"' })
  t.same(pinSource(input, { ...head, versionId: O.some('v') }), {
    copySource: { ...copySource, versionId: 'v' },
    copySourceIfMatch: '"e"'
  })
})

t.test('the conditions are parameters of the HEAD of the source', async (t) => {
  const since = new Date(0)
  t.same(
    copyHeadInput({
      ...input,
      copySource: { ...copySource, versionId: 'v' },
      copySourceIfMatch: 'x',
      copySourceIfNoneMatch: 'y',
      copySourceIfModifiedSince: since,
      copySourceIfUnmodifiedSince: since
    }),
    {
      bucket: copySource.bucket,
      key: 'a',
      versionId: 'v',
      ifMatch: 'x',
      ifNoneMatch: 'y',
      ifModifiedSince: since,
      ifUnmodifiedSince: since
    }
  )
})

t.test('isItself ignores the region, and is false for an older version', async (t) => {
  const itself = { ...copySource, copySource: { ...copySource, region: 'ap-shanghai', key: '/a' } }
  const { region: _, ...to } = itself
  t.match(validateCopy('copy')(to), E.left({ _tag: 'InvalidInput', field: 'copyStatus' }))
  t.ok(E.isRight(validateCopy('copy')({ ...to, copyStatus: 'Replaced' })))
  t.ok(E.isRight(validateCopy('copy')({ ...to, copySource: { ...to.copySource, versionId: 'v' } })))
})
