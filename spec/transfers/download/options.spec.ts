import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { struct } from '../../../lib/core/input.js'
import { validate } from '../../../lib/core/operation.js'
import {
  downloadOptions,
  downloadHeadInput,
  pinnedGetInput,
  validateDownload,
  type DownloadOptions
} from '../../../lib/transfers/download/options.js'
import { left, right } from '../../support/server.js'

const at = { bucket: 'examplebucket-1250000000', key: 'a/..', allowPathLikeKey: true }
const shared = {
  headers: { 'x-proxy': '1' },
  query: { a: 'b' },
  sse: { type: 'C', key: Buffer.alloc(32, 1) },
  referer: 'https://example.com/'
} as const
const conditions = {
  ifMatch: '"a"',
  ifNoneMatch: '"b"',
  ifModifiedSince: new Date(0),
  ifUnmodifiedSince: new Date(1000)
}
const options: DownloadOptions = { ...at, ...shared, ...conditions, trafficLimit: 819_200 }
const seen = { etag: '"7f3c"', versionId: O.some('v1') }

t.test('the HEAD has the conditions, and ranges are pinned to its ETag and version', async (t) => {
  t.same(downloadHeadInput(options), { ...at, ...shared, ...conditions })
  t.same(pinnedGetInput(options, seen), {
    ...at,
    ...shared,
    trafficLimit: 819_200,
    etag: '"7f3c"',
    versionId: 'v1'
  })
})

t.test('HEAD and ranges have a given versionId, and none in a bucket without versions', async (t) => {
  const versioned = { ...at, versionId: 'v0' }
  t.equal(downloadHeadInput(versioned).versionId, 'v0')
  t.equal(pinnedGetInput(versioned, seen).versionId, 'v0')
  t.notOk('versionId' in pinnedGetInput(at, { ...seen, versionId: O.none }))
})

t.test('fields of other clients are refused with the reason', async (t) => {
  const check = validateDownload('spec', struct<DownloadOptions>('DownloadOptions', downloadOptions))
  for (const [field, message] of [
    ['enableCrc', /always compared/],
    ['range', /use getObject/],
    ['responseContentType', /use getObject/],
    ['responseExpires', /use getObject/]
  ] as const)
    t.match(left(check({ ...options, [field]: true })), { field, problem: 'unknown', message })
  t.match(left(check({ ...options, ifmatch: '"a"' })), { field: 'ifmatch', suggestion: 'ifMatch' })
  t.match(left(check({ ...options, toString: 1 })), { field: 'toString', message: 'is not a known field' })
})

t.test('every download option is validated', async (t) => {
  const check = validate('spec', struct<DownloadOptions>('DownloadOptions', downloadOptions))
  t.same(right(check(options)), options)
  for (const [field, change] of [
    ['bucket', { bucket: 'x' }],
    ['key', { key: '' }],
    ['versionId', { versionId: '' }],
    ['ifMatch', { ifMatch: '' }],
    ['sse.key', { sse: { type: 'C', key: Buffer.alloc(31) } }],
    ['trafficLimit', { trafficLimit: 1 }],
    ['referer', { referer: 'a\nb' }],
    ['range', { range: { first: 0 } }]
  ] as const) {
    t.match(left(check({ ...options, ...change })), { _tag: 'InvalidInput', field })
  }
})
