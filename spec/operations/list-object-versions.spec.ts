import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { decodeResponse, catchCosError, left, right, xmlResponse } from '../support/responses.js'
import {
  listObjectVersionEvents,
  listObjectVersions,
  objectVersionsStart,
  type ListObjectVersionEventsInput,
  type ListObjectVersionsInput
} from '../../lib/operations/list-object-versions.js'
import { toArray } from '../support/iterables.js'

const bucket = 'examplebucket-1250000000'
type Test = Parameters<typeof decodeResponse>[0]

const requestOf = (input: Partial<ListObjectVersionsInput> = {}) =>
  right(listObjectVersions({ bucket, ...input }).request).query
const listPage = async (t: Test, xml: string, input: Partial<ListObjectVersionsInput> = {}) =>
  decodeResponse(t, listObjectVersions({ bucket, ...input }).decode, xmlResponse(xml))
const events = async (t: Test, xml: string, input: Partial<ListObjectVersionEventsInput> = {}) =>
  right(await decodeResponse(t, listObjectVersionEvents({ bucket, ...input }).decode, xmlResponse(xml)))

// -- request --
t.test('the query begins with versions and omits empty parameters', async (t) => {
  t.same(Object.entries(requestOf()), [
    ['versions', ''],
    ['encoding-type', 'url']
  ])
  t.same(requestOf({ prefix: 'p', delimiter: '/', keyMarker: 'k', versionIdMarker: 'v', maxKeys: 7 }), {
    versions: '',
    prefix: 'p',
    delimiter: '/',
    'encoding-type': 'url',
    'key-marker': 'k',
    'version-id-marker': 'v',
    'max-keys': '7'
  })
  t.same(requestOf({ keyMarker: 'k', versionIdMarker: '' }), {
    versions: '',
    'encoding-type': 'url',
    'key-marker': 'k'
  })
})

t.test('a version id marker without a key marker is sent, and is no cursor', async (t) => {
  for (const markers of [{ versionIdMarker: 'v' }, { keyMarker: '', versionIdMarker: 'v' }]) {
    t.match(requestOf(markers), { 'key-marker': undefined, 'version-id-marker': 'v' })
    t.same(objectVersionsStart({ bucket, ...markers }), { key: '', id: '', prefix: '' })
  }
})

t.test('an invalid field is an InvalidInput that names it', async (t) => {
  const wrong: ReadonlyArray<readonly [input: object, field: string]> = [
    [{ maxKeys: 1001 }, 'maxKeys'],
    [{ delimiter: '\ud800' }, 'delimiter'],
    [{ versionIdMarker: '\ud800' }, 'versionIdMarker'],
    [{ keyMarker: '\ud800' }, 'keyMarker'],
    [{ marker: 'a' }, 'marker']
  ]
  for (const [input, field] of wrong) {
    t.match(left(listObjectVersions({ bucket, ...input }).request), { _tag: 'InvalidInput', field }, field)
    t.match(
      left(listObjectVersionEvents({ bucket, ...input }).request),
      { _tag: 'InvalidInput', field },
      field
    )
  }
})

// -- a page --
const page = `<ListVersionsResult>
  <Name>examplebucket-1250000000</Name>
  <EncodingType>url</EncodingType>
  <Prefix/>
  <KeyMarker/>
  <VersionIdMarker/>
  <MaxKeys>1000</MaxKeys>
  <IsTruncated>true</IsTruncated>
  <NextKeyMarker>notes%2B.txt</NextKeyMarker>
  <NextVersionIdMarker>MTg0NDUxMzY1MDIzNjQ3NTcwMDk</NextVersionIdMarker>
  <DeleteMarker>
    <Key>gone.txt</Key>
    <VersionId>MTg0NDUxMzY1MDIzNTQ1ODM2NjE</VersionId>
    <IsLatest>true</IsLatest>
    <LastModified>2024-05-03T10:00:00.000Z</LastModified>
    <Owner><ID>1250000000</ID><DisplayName>1250000000</DisplayName></Owner>
  </DeleteMarker>
  <Version>
    <Key>gone.txt</Key>
    <VersionId>null</VersionId>
    <IsLatest>false</IsLatest>
    <LastModified>2024-05-01T10:00:00.000Z</LastModified>
    <ETag>&quot;x&quot;</ETag>
    <Size>7</Size>
    <StorageClass>STANDARD_IA</StorageClass>
  </Version>
  <Version>
    <Key>notes%2B.txt</Key>
    <VersionId>MTg0NDUxMzY1MDIzNjQ3NTcwMDk</VersionId>
    <IsLatest>true</IsLatest>
    <LastModified>2024-05-02T10:00:00.000Z</LastModified>
    <ETag>&quot;0f343b0931126a20f133d67c2b018a3b&quot;</ETag>
    <Size>1024</Size>
    <StorageClass>STANDARD</StorageClass>
    <StorageTier>FREQUENT</StorageTier>
    <Owner><ID>1250000000</ID><DisplayName>1250000000</DisplayName></Owner>
  </Version>
</ListVersionsResult>`

const owner = O.some({ id: '1250000000', displayName: '1250000000' })
const entries = [
  {
    _tag: 'DeleteMarker',
    key: 'gone.txt',
    versionId: 'MTg0NDUxMzY1MDIzNTQ1ODM2NjE',
    isLatest: true,
    lastModified: new Date('2024-05-03T10:00:00Z'),
    owner
  },
  {
    _tag: 'Version',
    key: 'gone.txt',
    versionId: 'null',
    isLatest: false,
    lastModified: new Date('2024-05-01T10:00:00Z'),
    owner: O.none,
    etag: '"x"',
    size: 7,
    storageClass: 'STANDARD_IA',
    storageTier: O.none
  },
  {
    _tag: 'Version',
    key: 'notes+.txt',
    versionId: 'MTg0NDUxMzY1MDIzNjQ3NTcwMDk',
    isLatest: true,
    lastModified: new Date('2024-05-02T10:00:00Z'),
    owner,
    etag: '"0f343b0931126a20f133d67c2b018a3b"',
    size: 1024,
    storageClass: 'STANDARD',
    storageTier: O.some('FREQUENT')
  }
]

t.test('versions and delete markers are one list in the order of the page', async (t) => {
  const { headers, ...whole } = right(await listPage(t, page))
  t.same(whole, {
    requestId: 'NjYwMQ==',
    name: bucket,
    prefix: '',
    keyMarker: '',
    versionIdMarker: '',
    delimiter: O.none,
    maxKeys: 1000,
    encodingType: O.none,
    isTruncated: true,
    nextKeyMarker: O.some('notes+.txt'),
    nextVersionIdMarker: O.some('MTg0NDUxMzY1MDIzNjQ3NTcwMDk'),
    entries,
    commonPrefixes: []
  })
  t.match(headers, { 'content-type': 'application/xml' })
  t.match(right(await listPage(t, page, { encodingType: 'url' })), {
    encodingType: O.some('url'),
    nextKeyMarker: O.some('notes%2B.txt'),
    entries: [{}, {}, { key: 'notes%2B.txt' }]
  })
})

const version = (key: string, id: string): string =>
  `<Version><Key>${key}</Key><VersionId>${id}</VersionId><IsLatest>true</IsLatest><LastModified>2024-05-01T10:00:00.000Z</LastModified><ETag>"x"</ETag><Size>1</Size></Version>`
const prefixXml = (prefix: string): string => `<CommonPrefixes><Prefix>${prefix}</Prefix></CommonPrefixes>`
const pageXml = (...rows: ReadonlyArray<string>): string =>
  `<ListVersionsResult>${rows.join('')}</ListVersionsResult>`
const whole = '<IsTruncated>false</IsTruncated>'
const forgot = '<IsTruncated>true</IsTruncated>'
const more = (key: string, id: string): string =>
  `${forgot}<NextKeyMarker>${key}</NextKeyMarker><NextVersionIdMarker>${id}</NextVersionIdMarker>`

t.test('version ids are empty in a bucket that never had versioning', async (t) => {
  t.match(
    right(
      await listPage(
        t,
        pageXml(whole, version('a', ''), version('b', '').replace('<VersionId></VersionId>', ''))
      )
    ),
    {
      entries: [
        { key: 'a', versionId: '' },
        { key: 'b', versionId: '' }
      ],
      nextKeyMarker: O.none,
      nextVersionIdMarker: O.none
    }
  )
})

t.test('missing next markers are those of the greatest entry', async (t) => {
  t.match(right(await listPage(t, pageXml(forgot, prefixXml('a/'), version('b', '2'), version('b', '1')))), {
    nextKeyMarker: O.some('b'),
    nextVersionIdMarker: O.some('1')
  })
  t.match(right(await listPage(t, pageXml(forgot, version('b', '2'), prefixXml('c/')))), {
    nextKeyMarker: O.some('c/'),
    nextVersionIdMarker: O.none
  })
})

t.test('an invalid entry is a DecodeError with the paths of its fields', async (t) => {
  t.match(left(await listPage(t, pageXml(whole, version('a', '1').replace('true', 'maybe')))), {
    _tag: 'DecodeError',
    problems: [/^Version\.IsLatest\b/]
  })
  t.match(left(await listPage(t, pageXml(whole, '<DeleteMarker><Key>a</Key></DeleteMarker>'))), {
    problems: [/^DeleteMarker.IsLatest/, /^DeleteMarker.LastModified/]
  })
})

// -- as events --
t.test('each entry has a cursor, and the page end has the next markers', async (t) => {
  t.match(await toArray(await events(t, page)), [
    { ...entries[0], cursor: { key: 'gone.txt', id: 'MTg0NDUxMzY1MDIzNTQ1ODM2NjE', prefix: 'gone.txt' } },
    { ...entries[1], cursor: { key: 'gone.txt', id: 'null' } },
    { ...entries[2], cursor: { key: 'notes+.txt' } },
    {
      _tag: 'PageEnd',
      next: O.some({ key: 'notes+.txt', id: 'MTg0NDUxMzY1MDIzNjQ3NTcwMDk', prefix: 'notes+.txt' })
    }
  ])
})

t.test('a cursor requests the versions after it, or after its common prefix if that is less', async (t) => {
  const query = (input: Partial<ListObjectVersionEventsInput>) =>
    right(listObjectVersionEvents({ bucket, ...input }).request).query
  t.match(query({ keyMarker: 'k', versionIdMarker: 'v' }), { 'key-marker': 'k', 'version-id-marker': 'v' })
  t.match(query({ cursor: { key: 'b', id: '2', prefix: 'c/' } }), {
    'key-marker': 'b',
    'version-id-marker': '2'
  })
  t.same(query({ cursor: { key: 'b', id: '2', prefix: 'a/' } }), {
    versions: '',
    'encoding-type': 'url',
    'key-marker': 'a/'
  })
})

const readEntries = async (t: Test, xml: string, input: Partial<ListObjectVersionEventsInput>) =>
  (await toArray(await events(t, xml, input))).flatMap((event) =>
    event._tag === 'PageEnd'
      ? []
      : [event._tag === 'CommonPrefix' ? event.prefix : `${event.key} ${event.versionId}`]
  )

t.test('entries up to the cursor are not delivered again, except other versions of its key', async (t) => {
  const again = pageXml(
    whole,
    prefixXml('a/'),
    prefixXml('b/'),
    version('aa', '9'),
    version('k', '3'),
    version('k', '2'),
    version('k', '1'),
    version('z', '1')
  )
  t.same(await readEntries(t, again, { delimiter: '/', cursor: { key: 'k', id: '2', prefix: 'a/' } }), [
    'b/',
    'k 3',
    'k 1',
    'z 1'
  ])
  t.same(await readEntries(t, again, { delimiter: '/', cursor: { key: 'k', id: '', prefix: 'k' } }), ['z 1'])
})

t.test('next markers must have a greater key, or the same key and another version', async (t) => {
  const next = async (from: readonly [string, string], to: readonly [string, string]) => {
    const read = toArray(
      await events(t, pageXml(version('zz', '1'), more(...to)), {
        keyMarker: from[0],
        versionIdMarker: from[1]
      })
    )
    return read.then(
      (all) => all.length,
      () => 'failed'
    )
  }
  t.equal(await next(['k', '2'], ['k', '1']), 2)
  t.equal(await next(['k', '2'], ['k', '']), 2)
  t.equal(await next(['k', '2'], ['l', '2']), 2)
  t.equal(await next(['k', '2'], ['k', '2']), 'failed')
  t.equal(await next(['k', ''], ['k', '2']), 'failed', 'all versions of the key were delivered')
  t.equal(await next(['k', '2'], ['j', '1']), 'failed')
  const stuck = await events(t, pageXml(version('zz', '1'), more('k', '2')), {
    keyMarker: 'k',
    versionIdMarker: '2'
  })
  t.match(await catchCosError(toArray(stuck)), {
    _tag: 'DecodeError',
    problems: [/not after the marker of this page/]
  })
})
