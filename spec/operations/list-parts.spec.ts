import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import {
  listPartEvents,
  listParts,
  type ListPartEventsInput,
  type ListPartsInput
} from '../../lib/operations/list-parts.js'
import { decodeResponse, catchCosError, left, right, xmlResponse } from '../support/responses.js'
import { toArray } from '../support/iterables.js'

const input = { bucket: 'examplebucket-1250000000', key: 'trips/film .mp4', uploadId: '1714552211f00d' }
type Test = Parameters<typeof decodeResponse>[0]

const requestOf = (changes: Partial<ListPartsInput> = {}) =>
  right(listParts({ ...input, ...changes }).request)
const listPage = async (t: Test, xml: string, changes: Partial<ListPartsInput> = {}) =>
  decodeResponse(t, listParts({ ...input, ...changes }).decode, xmlResponse(xml))
const events = async (t: Test, xml: string, changes: Partial<ListPartEventsInput> = {}) =>
  right(await decodeResponse(t, listPartEvents({ ...input, ...changes }).decode, xmlResponse(xml)))

// -- request --
t.test('the query begins with uploadId and omits defaults', async (t) => {
  t.match(requestOf(), { method: 'GET', key: O.some('trips/film .mp4') })
  t.same(Object.entries(requestOf({ partNumberMarker: 0 }).query), [
    ['uploadId', '1714552211f00d'],
    ['encoding-type', 'url']
  ])
  t.same(requestOf({ partNumberMarker: 3, maxParts: 7 }).query, {
    uploadId: '1714552211f00d',
    'encoding-type': 'url',
    'part-number-marker': '3',
    'max-parts': '7'
  })
})

t.test('an invalid field is an InvalidInput that names it', async (t) => {
  const wrong: ReadonlyArray<readonly [changes: object, field: string]> = [
    [{ uploadId: '' }, 'uploadId'],
    [{ maxParts: 1001 }, 'maxParts'],
    [{ partNumberMarker: -1 }, 'partNumberMarker'],
    [{ partNumberMarker: 10_001 }, 'partNumberMarker'],
    [{ key: 'a/..' }, 'key']
  ]
  for (const [changes, field] of wrong) {
    t.match(left(listParts({ ...input, ...changes }).request), { _tag: 'InvalidInput', field }, field)
    t.match(left(listPartEvents({ ...input, ...changes }).request), { _tag: 'InvalidInput', field }, field)
  }
  t.match(left(listPartEvents({ ...input, cursor: 1.5 }).request), { field: 'cursor' })
})

// -- a page --
const page = `<ListPartsResult>
  <Bucket>examplebucket-1250000000</Bucket>
  <Encoding-type>url</Encoding-type>
  <Key>trips/film%20.mp4</Key>
  <UploadID>1714552211f00d</UploadID>
  <Owner><ID>1250000000</ID><DisplayName>1250000000</DisplayName></Owner>
  <PartNumberMarker>0</PartNumberMarker>
  <Initiator><ID>qcs::cam::uin/1:uin/2</ID><DisplayName>2</DisplayName></Initiator>
  <Part>
    <PartNumber>1</PartNumber>
    <LastModified>2024-05-01T08:31:00.000Z</LastModified>
    <ETag>&quot;5eb63bbbe01eeed093cb22bb8f5acdc3&quot;</ETag>
    <Size>1048576</Size>
  </Part>
  <NextPartNumberMarker>1</NextPartNumberMarker>
  <StorageClass>Standard</StorageClass>
  <MaxParts>1</MaxParts>
  <IsTruncated>true</IsTruncated>
</ListPartsResult>`

const part1 = {
  _tag: 'Part',
  partNumber: 1,
  etag: '"5eb63bbbe01eeed093cb22bb8f5acdc3"',
  size: 1048576,
  lastModified: O.some(new Date('2024-05-01T08:31:00Z')),
  lastModifiedText: '2024-05-01T08:31:00.000Z'
}

t.test('a page is typed in every spelling of its elements', async (t) => {
  const { headers: _, ...whole } = right(await listPage(t, page))
  t.same(whole, {
    requestId: 'NjYwMQ==',
    bucket: input.bucket,
    key: 'trips/film .mp4',
    uploadId: '1714552211f00d',
    initiator: O.some({ id: 'qcs::cam::uin/1:uin/2', displayName: '2' }),
    owner: O.some({ id: '1250000000', displayName: '1250000000' }),
    storageClass: 'STANDARD',
    partNumberMarker: 0,
    maxParts: 1,
    encodingType: O.none,
    isTruncated: true,
    nextPartNumberMarker: O.some(1),
    parts: [part1]
  })
  t.match(right(await listPage(t, page, { encodingType: 'url' })), {
    encodingType: O.some('url'),
    key: 'trips/film%20.mp4'
  })
})

const part = (number: number, date = '2024-05-01T08:31:00.000Z'): string =>
  `<Part><PartNumber>${number}</PartNumber><LastModified>${date}</LastModified><ETag>"x"</ETag><Size>1</Size></Part>`
const pageXml = (...rows: ReadonlyArray<string>): string =>
  `<ListPartsResult>${rows.join('')}</ListPartsResult>`
const whole = '<IsTruncated>false</IsTruncated>'
const forgot = '<IsTruncated>true</IsTruncated>'
const more = (number: number): string => `${forgot}<NextPartNumberMarker>${number}</NextPartNumberMarker>`

t.test('a date in an unknown form is none, and kept as text', async (t) => {
  const { parts } = right(
    await listPage(t, pageXml(whole, part(1, 'Wed May  1 08:31:00 2024'), part(2, 'then')))
  )
  t.same(
    parts.map(({ lastModified }) => lastModified),
    [O.some(new Date('2024-05-01T08:31:00Z')), O.none]
  )
  t.same(
    parts.map(({ lastModifiedText }) => lastModifiedText),
    ['Wed May  1 08:31:00 2024', 'then']
  )
})

t.test('a page without parts is empty, and a missing next marker is the greatest part number', async (t) => {
  t.match(right(await listPage(t, pageXml(whole, '<EncodingType/>'))), {
    parts: [],
    nextPartNumberMarker: O.none
  })
  t.match(right(await listPage(t, pageXml(forgot, part(2), part(10)))), { nextPartNumberMarker: O.some(10) })
  t.match(right(await listPage(t, pageXml(forgot))), { nextPartNumberMarker: O.none })
  t.match(right(await listPage(t, pageXml(whole, '<NextPartNumberMarker>0</NextPartNumberMarker>'))), {
    nextPartNumberMarker: O.none
  })
})

t.test('a part without an ETag or with an invalid number is a DecodeError', async (t) => {
  t.match(left(await listPage(t, pageXml(whole, part(1).replace('"x"', '')))), {
    _tag: 'DecodeError',
    problems: [/^Part\.ETag\b/]
  })
  t.match(left(await listPage(t, pageXml(whole, part(-1)))), { problems: [/^Part.PartNumber/] })
})

// -- as events --
t.test('the cursor of a part is its number, and the page end has the next marker', async (t) => {
  t.match(await toArray(await events(t, page)), [
    { ...part1, cursor: 1 },
    { _tag: 'PageEnd', next: O.some(1), page: { key: 'trips/film .mp4' }, requestId: 'NjYwMQ==' }
  ])
  t.match(await toArray(await events(t, pageXml(forgot, part(1), part(2)))), [{}, {}, { next: O.some(2) }])
})

t.test('a cursor requests the parts after it, and parts up to it are not delivered again', async (t) => {
  const query = (changes: Partial<ListPartEventsInput>) =>
    right(listPartEvents({ ...input, ...changes }).request).query
  t.equal(query({ partNumberMarker: 3 })['part-number-marker'], '3')
  t.equal(query({ partNumberMarker: 3, cursor: 7 })['part-number-marker'], '7')
  t.equal(query({})['part-number-marker'], undefined)
  t.match(await toArray(await events(t, pageXml(whole, part(1), part(2), part(3)), { cursor: 2 })), [
    { partNumber: 3 },
    { _tag: 'PageEnd', next: O.none }
  ])
})

t.test('a next marker that is not after the page is a DecodeError', async (t) => {
  for (const next of [more(2), more(1)]) {
    const stuck = await events(t, pageXml(part(3), next), { cursor: 2 })
    t.match(await catchCosError(toArray(stuck)), {
      _tag: 'DecodeError',
      problems: [/not after the marker of this page/]
    })
  }
  const empty = await decodeResponse(t, listPartEvents(input).decode, xmlResponse(pageXml(forgot)))
  t.match(left(empty), { _tag: 'DecodeError' })
})
