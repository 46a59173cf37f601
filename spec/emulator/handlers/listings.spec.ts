/** The XML of listings. Their iteration is in shared/listing.spec.ts. */
import t from 'tap'
import {
  sendRequest,
  type RequestInput,
  startTestEmulator,
  initiate,
  readTag,
  readTags,
  type ReceivedResponse
} from '../../support/signed.js'

const bucket = 'examplebucket-1250000000'
const fill = async (
  emulator: Parameters<typeof sendRequest>[0],
  ...keys: ReadonlyArray<string>
): Promise<void> => {
  for (const key of keys) await sendRequest(emulator, { method: 'PUT', key, body: key })
}

t.test("a page of objects has the query's fields and the entries", async (t) => {
  const emulator = await startTestEmulator(t)
  await fill(emulator, 'trips/', 'trips/2023/a', 'trips/2023/b', 'trips/beach day.jpg', 'z')
  await sendRequest(emulator, {
    method: 'PUT',
    key: 'trips/cold',
    body: 'x',
    headers: { 'x-cos-storage-class': 'ARCHIVE' }
  })
  const query = { prefix: 'trips/', delimiter: '/', 'max-keys': '3', 'encoding-type': 'url' }
  const response = await sendRequest(emulator, { query })
  t.equal(response.headers['x-cos-bucket-region'], 'ap-guangzhou')
  const { text } = response
  const top = [
    'Name',
    'EncodingType',
    'Prefix',
    'Marker',
    'MaxKeys',
    'Delimiter',
    'IsTruncated',
    'NextMarker'
  ]
  t.strictSame(
    top.map((name) => readTag(text, name)),
    [bucket, 'url', 'trips/', '', '3', '/', 'true', 'trips/beach%20day.jpg']
  )
  t.match(text, /<CommonPrefixes><Prefix>trips\/2023\/<\/Prefix><\/CommonPrefixes>/)
  t.strictSame(readTags(text, 'Key'), ['trips/', 'trips/beach%20day.jpg'])
  t.match(
    text,
    /<Contents><Key>trips\/<\/Key><LastModified>[^<]*\.000Z<\/LastModified><ETag>&quot;[0-9a-f]{32}&quot;<\/ETag><Size>6<\/Size><Owner><ID>1250000000<\/ID><DisplayName>1250000000<\/DisplayName><\/Owner><StorageClass>STANDARD<\/StorageClass><\/Contents>/
  )
  const rest = (await sendRequest(emulator, { query: { ...query, marker: 'trips/beach day.jpg' } })).text
  t.strictSame(
    [readTags(rest, 'Key'), readTag(rest, 'IsTruncated'), readTag(rest, 'NextMarker')],
    [['trips/cold'], 'false', undefined]
  )
  t.equal(readTag(rest, 'RestoreStatus'), '')
})

t.test('keys are ordered by UTF-8 bytes, and encoding-type=url returns any key', async (t) => {
  const emulator = await startTestEmulator(t)
  const keys = ['\u0001', '\n', ' a', '%', '+', 'a&b', 'é', '\uffff', '😀']
  await fill(emulator, ...keys.toReversed())
  const response = await sendRequest(emulator, { query: { 'encoding-type': 'url' } })
  t.strictSame(readTags(response.text, 'Key'), [
    '%01',
    '%0A',
    '%20a',
    '%25',
    '%2B',
    'a%26b',
    '%C3%A9',
    '%EF%BF%BF',
    '%F0%9F%98%80'
  ])
  const pages: Array<string> = []
  let marker = ''
  for (;;) {
    const { text } = await sendRequest(emulator, {
      query: { 'encoding-type': 'url', 'max-keys': '2', marker }
    })
    pages.push(...readTags(text, 'Key').map(decodeURIComponent))
    if (readTag(text, 'IsTruncated') === 'false') break
    marker = decodeURIComponent(readTag(text, 'NextMarker') ?? '')
  }
  t.strictSame(pages, keys)
})

t.test('invalid query parameters of a listing fail', async (t) => {
  const emulator = await startTestEmulator(t, {
    seed: Array.from({ length: 1001 }, (_, n) => ({ bucket, key: String(n) }))
  })
  const code = async (query: RequestInput['query']): Promise<string | undefined> =>
    readTag((await sendRequest(emulator, { query: query ?? {} })).text, 'Code')
  t.equal(await code({ delimiter: '//' }), 'InvalidDelimiter')
  t.equal(await code({ delimiter: '😀' }), undefined, 'one character of two UTF-16 units')
  t.equal(await code({ 'max-keys': '-1' }), 'InvalidArgument')
  t.equal(await code({ 'max-keys': 'many' }), 'InvalidArgument')
  t.equal(await code({ 'encoding-type': 'base64' }), 'InvalidArgument')
  const most = (await sendRequest(emulator, { query: { 'max-keys': '5000' } })).text
  t.strictSame(
    [readTag(most, 'MaxKeys'), readTags(most, 'Key').length, readTag(most, 'IsTruncated')],
    ['1000', 1000, 'true']
  )
  const none = (await sendRequest(emulator, { query: { 'max-keys': '0' } })).text
  t.strictSame([readTags(none, 'Key').length, readTag(none, 'IsTruncated')], [0, 'false'])
  t.equal((await sendRequest(emulator, { bucket: 'nobodys-1250000000' })).status, 404)
})

t.test('versions and delete markers are listed by key, newest first', async (t) => {
  const emulator = await startTestEmulator(t, { buckets: [{ name: bucket, versioning: 'Enabled' }] })
  const id = async (input: RequestInput): Promise<string> =>
    (await sendRequest(emulator, input)).headers['x-cos-version-id'] ?? ''
  const a1 = await id({ method: 'PUT', key: 'a', body: '1' })
  const a2 = await id({ method: 'DELETE', key: 'a' })
  const a3 = await id({ method: 'PUT', key: 'a', body: '333' })
  const b1 = await id({ method: 'PUT', key: 'b', body: '1' })
  await id({ method: 'PUT', key: 'dir/x', body: '1' })
  await id({ method: 'PUT', key: 'dir/x', body: '2' })
  const response = await sendRequest(emulator, { query: { versions: '', delimiter: '/' } })
  t.strictSame(readTags(response.text, 'VersionId'), [a3, a2, a1, b1])
  t.strictSame(readTags(response.text, 'IsLatest'), ['true', 'false', 'false', 'true'])
  t.strictSame(readTags(response.text, 'Size'), ['3', '1', '1'], 'a delete marker has no size')
  t.match(response.text, /<DeleteMarker><Key>a<\/Key>.*<\/DeleteMarker>.*<Version><Key>a<\/Key>/s)
  t.match(response.text, /<CommonPrefixes><Prefix>dir\/<\/Prefix>/)

  const seen: Array<string> = []
  let markers = {}
  for (;;) {
    const { text } = await sendRequest(emulator, { query: { versions: '', 'max-keys': '1', ...markers } })
    seen.push(...readTags(text, 'VersionId'))
    if (readTag(text, 'IsTruncated') === 'false') break
    markers = {
      'key-marker': readTag(text, 'NextKeyMarker'),
      'version-id-marker': readTag(text, 'NextVersionIdMarker')
    }
  }
  t.strictSame(seen.slice(0, 4), [a3, a2, a1, b1], 'also with one version a page')
  t.equal(seen.length, 6)
  const keyed = await sendRequest(emulator, { query: { versions: '', 'key-marker': 'a' } })
  t.strictSame(readTags(keyed.text, 'VersionId')[0], b1, 'key-marker alone skips all versions of the key')
  t.strictSame(readTags((await sendRequest(emulator, { query: { 'max-keys': '1' } })).text, 'Key'), ['a'])
  await sendRequest(emulator, { method: 'DELETE', key: 'a' })
  t.strictSame(
    readTags((await sendRequest(emulator, { query: { 'max-keys': '1' } })).text, 'Key'),
    ['b'],
    'an object under a delete marker is not listed'
  )
})

t.test('uploads are listed by key, then by id', async (t) => {
  const emulator = await startTestEmulator(t)
  const a = [await initiate(emulator, 'a'), await initiate(emulator, 'a')].toSorted()
  const b = await initiate(emulator, 'b c', { headers: { 'x-cos-storage-class': 'STANDARD_IA' } })
  await initiate(emulator, 'dir/x')
  const list = (query: Record<string, string>): Promise<ReceivedResponse> =>
    sendRequest(emulator, { query: { uploads: '', ...query } })
  const response = await list({ delimiter: '/', 'encoding-type': 'url' })
  t.strictSame(readTags(response.text, 'UploadId'), [...a, b])
  t.strictSame(readTags(response.text, 'Key'), ['a', 'a', 'b%20c'])
  t.strictSame(readTags(response.text, 'StorageClass'), ['Standard', 'Standard', 'STANDARD_IA'])
  t.equal(readTag(response.text, 'Encoding-Type'), 'url')
  t.match(response.text, /<CommonPrefixes><Prefix>dir\/<\/Prefix>/)
  const seen: Array<string> = []
  let markers: Record<string, string> = {}
  for (;;) {
    const { text } = await list({ 'max-uploads': '1', ...markers })
    seen.push(...readTags(text, 'UploadId'))
    if (readTag(text, 'IsTruncated') === 'false') break
    markers = {
      'key-marker': readTag(text, 'NextKeyMarker') ?? '',
      'upload-id-marker': readTag(text, 'NextUploadIdMarker') ?? ''
    }
  }
  t.strictSame(seen.slice(0, 3), [...a, b])
  t.equal(seen.length, 4)
  t.strictSame(
    readTags((await list({ 'upload-id-marker': 'zzz' })).text, 'Key').length,
    4,
    'upload-id-marker without key-marker is ignored'
  )
  t.strictSame(readTags((await list({ prefix: 'b' })).text, 'UploadId'), [b])
})

t.test('parts are listed by number', async (t) => {
  const emulator = await startTestEmulator(t)
  const uploadId = await initiate(emulator, 'a b')
  for (const partNumber of ['10', '9', '2'])
    await sendRequest(emulator, {
      method: 'PUT',
      key: 'a b',
      query: { partNumber, uploadId },
      body: partNumber
    })
  const list = (query: Record<string, string>): Promise<ReceivedResponse> =>
    sendRequest(emulator, { key: 'a b', query: { uploadId, ...query } })
  const response = await list({ 'encoding-type': 'url' })
  t.strictSame(readTags(response.text, 'PartNumber'), ['2', '9', '10'])
  t.strictSame([readTag(response.text, 'Key'), readTag(response.text, 'EncodingType')], ['a%20b', 'url'])
  const page = await list({ 'part-number-marker': '2', 'max-parts': '1' })
  t.strictSame(readTags(page.text, 'PartNumber'), ['9'])
  t.strictSame([readTag(page.text, 'NextPartNumberMarker'), readTag(page.text, 'IsTruncated')], ['9', 'true'])
  t.match(await list({ 'part-number-marker': 'x' }), { status: 400 })
  t.match(await sendRequest(emulator, { key: 'a b', query: { uploadId: '' } }), {
    text: /ListPartUploadIdIsEmpty/
  })
  t.match(await sendRequest(emulator, { key: 'other', query: { uploadId } }), {
    status: 404,
    text: /NoSuchUpload/
  })
})
