import t from 'tap'
import type { Emulator } from '../../../lib/emulator/index.js'
import {
  type ReceivedResponse,
  readTag,
  readTags,
  sendRequest,
  startTestEmulator
} from '../../support/signed.js'

const bucket = 'versioned-1250000000'

const taggingXml = (...tags: ReadonlyArray<readonly [string, string]>): string =>
  `<Tagging><TagSet>${tags
    .map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`)
    .join('')}</TagSet></Tagging>`

const request = (
  emulator: Emulator,
  method: string,
  body?: string,
  query: Readonly<Record<string, string>> = {}
): Promise<ReceivedResponse> =>
  sendRequest(emulator, {
    ...{ method, bucket, key: 'k', query: { tagging: '', ...query } },
    ...(body === undefined ? {} : { body })
  })

t.test('tags are set, returned, counted and deleted, for one version', async (t) => {
  const emulator = await startTestEmulator(t, { buckets: [{ name: bucket, versioning: 'Enabled' }] })
  const put = (headers: Readonly<Record<string, string>>): Promise<ReceivedResponse> =>
    sendRequest(emulator, { method: 'PUT', bucket, key: 'k', body: 'x', headers })
  const first = (await put({ 'x-cos-tagging': 'a=1' })).headers['x-cos-version-id'] ?? ''
  const second = (await put({})).headers['x-cos-version-id'] ?? ''
  const set = await request(emulator, 'PUT', taggingXml(['color', 'red'], ['empty', '']))
  t.match(set, { status: 200, headers: { 'x-cos-version-id': second } })
  const got = await request(emulator, 'GET')
  t.strictSame(
    [readTags(got.text, 'Key'), readTags(got.text, 'Value')],
    [
      ['color', 'empty'],
      ['red', '']
    ]
  )
  t.equal((await sendRequest(emulator, { bucket, key: 'k' })).headers['x-cos-tagging-count'], '2')
  const older = await request(emulator, 'GET', undefined, { versionId: first })
  t.strictSame(readTags(older.text, 'Key'), ['a'])
  t.equal((await request(emulator, 'DELETE', undefined, { versionId: first })).status, 204)
  t.strictSame(readTags((await request(emulator, 'GET', undefined, { versionId: first })).text, 'Key'), [])
  t.strictSame(readTags((await request(emulator, 'GET')).text, 'Key'), ['color', 'empty'])
})

t.test('tags that are not valid fail and change nothing', async (t) => {
  const emulator = await startTestEmulator(t, { buckets: [bucket] })
  t.equal(readTag((await request(emulator, 'PUT', taggingXml(['a', '1']))).text, 'Code'), 'NoSuchKey')
  await sendRequest(emulator, {
    method: 'PUT',
    bucket,
    key: 'k',
    body: 'x',
    headers: { 'x-cos-tagging': 'a=1' }
  })
  const code = async (body: string): Promise<string | undefined> =>
    readTag((await request(emulator, 'PUT', body)).text, 'Code')
  t.equal(await code(taggingXml(['a', '1'], ['a', '2'])), 'InvalidTag', 'a key twice')
  t.equal(await code(taggingXml(['', '1'])), 'InvalidTag', 'an empty key')
  const eleven = Array.from({ length: 11 }, (_, at) => [String(at), ''] as const)
  t.equal(await code(taggingXml(...eleven)), 'InvalidTag')
  t.equal(await code('<Tags/>'), 'MalformedXML')
  t.strictSame(readTags((await request(emulator, 'GET')).text, 'Key'), ['a'])
})
