import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { metadataOf, objectAttributes } from '../../../lib/operations/responses/object-headers.js'
import { minimalAttributes } from '../../support/object-head.js'
import { fetchResponse, left, right } from '../../support/responses.js'

const least = { etag: '"9a4802d5c99dafe1c04da0a8e7e166bf"', 'last-modified': 'Wed, 28 Oct 2014 20:30:00 GMT' }

interface Teardown {
  readonly teardown: (clean: () => unknown) => unknown
}
const read = async (t: Teardown, headers: Readonly<Record<string, string>>) =>
  objectAttributes(await fetchResponse(t, { headers }))

t.test('an object with minimal headers is STANDARD, and other attributes are none', async (t) => {
  const { headers: raw, ...attributes } = right(await read(t, least))
  t.match(raw, least)
  t.same(attributes, {
    requestId: '',
    etag: '"9a4802d5c99dafe1c04da0a8e7e166bf"',
    lastModified: O.some(new Date('2014-10-28T20:30:00Z')),
    ...minimalAttributes
  })
})

t.test('every documented header is decoded', async (t) => {
  const headers = {
    ...least,
    'content-type': 'application/octet-stream',
    'cache-control': 'max-age=1000000',
    'content-disposition': 'attachment; filename="filename.jpg"',
    'content-encoding': 'gzip',
    'content-language': 'zh-cn',
    expires: '-1',
    'x-cos-meta-test': 'test',
    'X-Cos-Meta-Upper-Case': '%E5%BC%A0',
    'x-cos-hash-crc64ecma': '16749565679157681890',
    'x-cos-storage-class': 'DEEP_ARCHIVE',
    'x-cos-storage-tier': 'INFREQUENT',
    'x-cos-object-type': 'appendable',
    'x-cos-next-append-position': '16807',
    'x-cos-version-id': 'MTg0NDUxODMzMTMwMDM2Njc1ODA',
    'x-cos-restore': 'ongoing-request="false", expiry-date="Tue, 19 Nov 2024 16:00:00 GMT"',
    'x-cos-restore-status': 'tier="bulk"; request-date="Mon, 18 Nov 2024 09:34:50 GMT"',
    'x-cos-tagging-count': '2',
    'x-cos-replication-status': 'Complete',
    'x-cos-server-side-encryption': 'AES256',
    'x-cos-request-id': 'NTg3NzQ3ZmVfYmRjMzVfMzE5N182NzczMQ==',
    'x-cos-object-lock-mode': 'COMPLIANCE'
  }
  const { headers: raw, ...attributes } = right(await read(t, headers))
  t.match(raw, { 'x-cos-object-lock-mode': 'COMPLIANCE', 'x-cos-meta-test': 'test' })
  t.same(attributes, {
    requestId: 'NTg3NzQ3ZmVfYmRjMzVfMzE5N182NzczMQ==',
    etag: '"9a4802d5c99dafe1c04da0a8e7e166bf"',
    lastModified: O.some(new Date('2014-10-28T20:30:00Z')),
    contentType: O.some('application/octet-stream'),
    cacheControl: O.some('max-age=1000000'),
    contentDisposition: O.some('attachment; filename="filename.jpg"'),
    contentEncoding: O.some('gzip'),
    contentLanguage: O.some('zh-cn'),
    expires: O.some('-1'),
    metadata: { test: 'test', 'upper-case': '张' },
    crc64: O.some(16749565679157681890n),
    storageClass: 'DEEP_ARCHIVE',
    storageTier: O.some('INFREQUENT'),
    objectType: O.some('appendable'),
    nextAppendPosition: O.some(16807),
    versionId: O.some('MTg0NDUxODMzMTMwMDM2Njc1ODA'),
    restore: O.some({ ongoing: false, expiry: O.some(new Date('2024-11-19T16:00:00Z')) }),
    restoreStatus: O.some({ tier: 'bulk', requestDate: O.some(new Date('2024-11-18T09:34:50Z')) }),
    taggingCount: O.some(2),
    replicationStatus: O.some('Complete'),
    sse: O.some({ type: 'COS' })
  })
})

t.test('a restore in progress has no expiry', async (t) => {
  const restore = async (text: string) => right(await read(t, { ...least, 'x-cos-restore': text })).restore
  t.same(await restore('ongoing-request="true"'), O.some({ ongoing: true, expiry: O.none }))
  t.same(
    await restore('ongoing-request="false", expiry-date="one day"'),
    O.some({ ongoing: false, expiry: O.none })
  )
})

t.test('a missing or invalid header is a DecodeError that names it', async (t) => {
  const cases: ReadonlyArray<readonly [string, string, RegExp]> = [
    ['etag', '', /^etag: (?:must be|is missing)/],
    ['x-cos-hash-crc64ecma', '18446744073709551616', /^x-cos-hash-crc64ecma: must be a CRC64/],
    ['x-cos-next-append-position', '-1', /^x-cos-next-append-position: (?:must be|is missing)/],
    ['x-cos-restore', 'maybe', /^x-cos-restore: must be ongoing-request/],
    ['x-cos-restore-status', 'bulk', /^x-cos-restore-status: must be tier/],
    ['x-cos-tagging-count', 'two', /^x-cos-tagging-count: (?:must be|is missing)/]
  ]
  for (const [name, value, problem] of cases) {
    t.match(
      left(await read(t, { ...least, [name]: value })),
      { _tag: 'DecodeError', problems: [problem] },
      name
    )
  }
  t.match(left(await read(t, {})), { problems: [/^etag/] })
})

t.test('a missing date or one of an unknown form is none', async (t) => {
  for (const date of [undefined, '', 'yesterday']) {
    const headers = date === undefined ? { etag: '"a"' } : { etag: '"a"', 'last-modified': date }
    t.match(right(await read(t, headers)), { lastModified: O.none, etag: '"a"' }, String(date))
  }
})

t.test('metadata is the headers with the prefix, without it', async (t) => {
  t.same(metadataOf({ 'x-cos-meta-a': '1', 'x-cos-meta-x-cos-meta-b': '2', 'x-cos-acl': 'x', etag: '"' }), {
    a: '1',
    'x-cos-meta-b': '2'
  })
  t.same(metadataOf({ 'x-cos-meta-a': 'M%C3%BCller', 'x-cos-meta-b': '%E9' }), { a: 'Müller', b: '%E9' })
})
