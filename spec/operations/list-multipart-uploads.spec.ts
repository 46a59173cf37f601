import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import {
  listMultipartUploadEvents,
  listMultipartUploads,
  multipartUploadsStart,
  type ListMultipartUploadEventsInput,
  type ListMultipartUploadsInput
} from '../../lib/operations/list-multipart-uploads.js'
import { decodeResponse, catchCosError, left, right, xmlResponse } from '../support/responses.js'
import { toArray } from '../support/iterables.js'

const bucket = 'examplebucket-1250000000'
type Test = Parameters<typeof decodeResponse>[0]

const requestOf = (input: Partial<ListMultipartUploadsInput> = {}) =>
  right(listMultipartUploads({ bucket, ...input }).request).query
const listPage = async (t: Test, xml: string, input: Partial<ListMultipartUploadsInput> = {}) =>
  decodeResponse(t, listMultipartUploads({ bucket, ...input }).decode, xmlResponse(xml))
const events = async (t: Test, xml: string, input: Partial<ListMultipartUploadEventsInput> = {}) =>
  right(await decodeResponse(t, listMultipartUploadEvents({ bucket, ...input }).decode, xmlResponse(xml)))

// -- request --
t.test('the query begins with uploads and omits empty parameters', async (t) => {
  t.same(Object.entries(requestOf()), [
    ['uploads', ''],
    ['encoding-type', 'url']
  ])
  t.same(requestOf({ prefix: 'p', delimiter: '/', keyMarker: 'k', uploadIdMarker: 'u', maxUploads: 7 }), {
    uploads: '',
    prefix: 'p',
    delimiter: '/',
    'encoding-type': 'url',
    'key-marker': 'k',
    'upload-id-marker': 'u',
    'max-uploads': '7'
  })
})

t.test('an upload id marker without a key marker is sent, and is no cursor', async (t) => {
  t.match(requestOf({ uploadIdMarker: 'u' }), { 'key-marker': undefined, 'upload-id-marker': 'u' })
  t.same(multipartUploadsStart({ bucket, uploadIdMarker: 'u' }), { key: '', id: '', prefix: '' })
})

t.test('an invalid field is an InvalidInput that names it', async (t) => {
  const wrong: ReadonlyArray<readonly [input: object, field: string]> = [
    [{ maxUploads: 0 }, 'maxUploads'],
    [{ maxKeys: 1 }, 'maxKeys'],
    [{ uploadIdMarker: '\ud800' }, 'uploadIdMarker'],
    [{ delimiter: '\ud800' }, 'delimiter']
  ]
  for (const [input, field] of wrong) {
    t.match(left(listMultipartUploads({ bucket, ...input }).request), { _tag: 'InvalidInput', field }, field)
    t.match(
      left(listMultipartUploadEvents({ bucket, ...input }).request),
      { _tag: 'InvalidInput', field },
      field
    )
  }
})

// -- a page --
const id = '1714552211f00dfeedf00dfeedf00dfeedf00dfeedf00dfeedf00dfeedf00dfeedf00dfee1'
const page = `<ListMultipartUploadsResult>
  <Bucket>examplebucket-1250000000</Bucket>
  <Encoding-Type>url</Encoding-Type>
  <KeyMarker/>
  <UploadIdMarker/>
  <NextKeyMarker>trips/film%20.mp4</NextKeyMarker>
  <NextUploadIdMarker>${id}</NextUploadIdMarker>
  <MaxUploads>1</MaxUploads>
  <IsTruncated>true</IsTruncated>
  <Prefix>trips/</Prefix>
  <delimiter>/</delimiter>
  <Upload>
    <Key>trips/film%20.mp4</Key>
    <UploadID>${id}</UploadID>
    <Initiator><ID>qcs::cam::uin/100000000001:uin/100000000011</ID><DisplayName>100000000011</DisplayName></Initiator>
    <Owner><ID>qcs::cam::uin/100000000001:uin/100000000001</ID></Owner>
    <StorageClass>Standard</StorageClass>
    <Initiated>2024-05-01T08:30:11.000Z</Initiated>
  </Upload>
  <CommonPrefixs><Prefix>trips/2023/</Prefix></CommonPrefixs>
</ListMultipartUploadsResult>`

const upload = {
  _tag: 'Upload',
  key: 'trips/film .mp4',
  uploadId: id,
  initiator: O.some({ id: 'qcs::cam::uin/100000000001:uin/100000000011', displayName: '100000000011' }),
  owner: O.some({
    id: 'qcs::cam::uin/100000000001:uin/100000000001',
    displayName: 'qcs::cam::uin/100000000001:uin/100000000001'
  }),
  storageClass: 'STANDARD',
  initiated: O.some(new Date('2024-05-01T08:30:11Z')),
  initiatedText: '2024-05-01T08:30:11.000Z'
}

t.test('a page is typed in every spelling of its elements', async (t) => {
  const { headers: _, ...whole } = right(await listPage(t, page))
  t.same(whole, {
    requestId: 'NjYwMQ==',
    bucket,
    prefix: 'trips/',
    keyMarker: '',
    uploadIdMarker: '',
    delimiter: O.some('/'),
    maxUploads: 1,
    encodingType: O.none,
    isTruncated: true,
    nextKeyMarker: O.some('trips/film .mp4'),
    nextUploadIdMarker: O.some(id),
    uploads: [upload],
    commonPrefixes: ['trips/2023/']
  })
  t.match(right(await listPage(t, page, { encodingType: 'url' })), {
    encodingType: O.some('url'),
    uploads: [{ key: 'trips/film%20.mp4' }]
  })
})

const row = (key: string, id: string, rest = ''): string =>
  `<Upload><Key>${key}</Key><UploadId>${id}</UploadId>${rest}</Upload>`
const pageXml = (...rows: ReadonlyArray<string>): string =>
  `<ListMultipartUploadsResult>${rows.join('')}</ListMultipartUploadsResult>`
const whole = '<IsTruncated>false</IsTruncated>'
const forgot = '<IsTruncated>true</IsTruncated>'

t.test('an initiation date in an unknown form is none, and kept as text', async (t) => {
  const forms = [
    '2024-05-01T08:30:11.000Z',
    'Wed May  1 08:30:11 2024',
    '2024-05-01T08:30:11',
    'some time ago',
    ''
  ]
  const rows = forms.map((text, n) => row(String(n), '1', `<Initiated>${text}</Initiated>`))
  const { uploads } = right(await listPage(t, pageXml(whole, ...rows)))
  const date = O.some(new Date('2024-05-01T08:30:11Z'))
  t.same(
    uploads.map(({ initiated }) => initiated),
    [date, date, date, O.none, O.none]
  )
  t.same(
    uploads.map(({ initiatedText }) => initiatedText),
    forms
  )
})

t.test('only the key and the upload id are required; other missing fields are none', async (t) => {
  t.match(right(await listPage(t, pageXml(whole, row('a', '1')))), {
    uploads: [
      { initiator: O.none, owner: O.none, storageClass: 'STANDARD', initiated: O.none, initiatedText: '' }
    ]
  })
  t.match(left(await listPage(t, pageXml(whole, row('a', '')))), {
    _tag: 'DecodeError',
    problems: [/^Upload.UploadId/]
  })
})

t.test('missing next markers are those of the greatest entry', async (t) => {
  t.match(right(await listPage(t, pageXml(forgot, row('b', '1'), row('b', '2')))), {
    nextKeyMarker: O.some('b'),
    nextUploadIdMarker: O.some('2')
  })
})

// -- as events --
t.test('each upload has a cursor, and the page end has the next markers', async (t) => {
  t.match(await toArray(await events(t, page)), [
    { ...upload, cursor: { key: 'trips/film .mp4', id, prefix: 'trips/film .mp4' } },
    { _tag: 'CommonPrefix', prefix: 'trips/2023/' },
    { _tag: 'PageEnd', next: O.some({ key: 'trips/film .mp4', id }) }
  ])
})

t.test('a cursor resumes with greater upload ids of the key, then with greater keys', async (t) => {
  const input = { delimiter: '/', cursor: { key: 'k', id: '2', prefix: 'a/' } }
  t.same(right(listMultipartUploadEvents({ bucket, ...input }).request).query, {
    uploads: '',
    delimiter: '/',
    'encoding-type': 'url',
    'key-marker': 'a/'
  })
  const again = pageXml(whole, row('a', '9'), row('k', '1'), row('k', '2'), row('k', '3'), row('z', '1'))
  const delivered = (await toArray(await events(t, again, input))).flatMap((event) =>
    event._tag === 'Upload' ? [`${event.key} ${event.uploadId}`] : []
  )
  t.same(delivered, ['k 3', 'z 1'])
})

t.test('next markers must have a greater key, or the same key and a greater upload id', async (t) => {
  const next = async (from: readonly [string, string], to: readonly [string, string]) => {
    const xml = pageXml(
      row('zz', '1'),
      `${forgot}<NextKeyMarker>${to[0]}</NextKeyMarker><NextUploadIdMarker>${to[1]}</NextUploadIdMarker>`
    )
    const read = events(t, xml, { keyMarker: from[0], uploadIdMarker: from[1] }).then(toArray)
    return read.then(
      (all) => all.length,
      () => 'failed'
    )
  }
  t.equal(await next(['k', '2'], ['k', '3']), 2)
  t.equal(await next(['k', '2'], ['l', '1']), 2)
  t.equal(await next(['k', '2'], ['k', '2']), 'failed')
  t.equal(await next(['k', '2'], ['k', '1']), 'failed')
  const stuck = await events(t, pageXml(row('zz', '1'), `${forgot}<NextKeyMarker>k</NextKeyMarker>`), {
    keyMarker: 'k'
  })
  t.match(await catchCosError(toArray(stuck)), {
    _tag: 'DecodeError',
    problems: [/not after the marker of this page/]
  })
})
