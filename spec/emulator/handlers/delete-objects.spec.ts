import t from 'tap'
import { escapeXml } from '../../../lib/core/xml.js'
import {
  sendRequest,
  type RequestInput,
  startTestEmulator,
  readTag,
  readTags,
  type ReceivedResponse
} from '../../support/signed.js'

const body = (keys: ReadonlyArray<string>, quiet = false, versionId = ''): string =>
  `<Delete><Quiet>${String(quiet)}</Quiet>${keys
    .map(
      (key) =>
        `<Object><Key>${escapeXml(key)}</Key>${versionId && `<VersionId>${versionId}</VersionId>`}</Object>`
    )
    .join('')}</Delete>`

const post = { method: 'POST', query: { delete: '' } } as const

t.test('each key has a result, absent keys included', async (t) => {
  const emulator = await startTestEmulator(t)
  const keys = ['a&b<c>"d"', ' spaces ', 'line\rand\nline', '腾😀', '/lead']
  for (const key of keys.slice(0, 4)) await sendRequest(emulator, { method: 'PUT', key, body: 'x' })
  await sendRequest(emulator, { method: 'PUT', key: 'lead', body: 'x' })
  const response = await sendRequest(emulator, { ...post, body: body([...keys, 'never']) })
  t.equal(response.status, 200)
  t.strictSame(
    readTags(response.text, 'Key'),
    [...keys.slice(0, 4), 'lead', 'never'].map((key) => escapeXml(key))
  )
  t.strictSame(readTags((await sendRequest(emulator, {})).text, 'Key'), [])
})

t.test('failed keys are reported, and with Quiet only these', async (t) => {
  const buckets = [{ name: 'examplebucket-1250000000', versioning: 'Enabled' as const }]
  const emulator = await startTestEmulator(t, { buckets })
  await sendRequest(emulator, { method: 'PUT', key: 'k', body: 'x' })
  const marked = await sendRequest(emulator, { ...post, body: body(['k']) })
  t.equal(readTag(marked.text, 'DeleteMarker'), 'true')
  t.ok(readTag(marked.text, 'DeleteMarkerVersionId'))
  const failed = await sendRequest(emulator, { ...post, body: body(['k'], true, 'unknown') })
  t.strictSame(
    [readTag(failed.text, 'Key'), readTag(failed.text, 'VersionId'), readTag(failed.text, 'Code')],
    ['k', 'unknown', 'NoSuchVersion']
  )
  const quiet = await sendRequest(emulator, { ...post, body: body(['k'], true) })
  t.match(quiet.text, /<DeleteResult><\/DeleteResult>$/)
  const long = await sendRequest(emulator, { ...post, body: body(['腾'.repeat(284)]) })
  t.equal(readTag(long.text, 'Code'), 'KeyTooLong')
})

t.test('a body that is not a list of keys fails and deletes none', async (t) => {
  const emulator = await startTestEmulator(t)
  await sendRequest(emulator, { method: 'PUT', key: 'k', body: 'x' })
  const thousand = Array.from({ length: 1000 }, (_, n) => `never/${String(n)}`)
  const codeOf = async (input: RequestInput): Promise<string | undefined> => {
    const response: ReceivedResponse = await sendRequest(emulator, { ...post, ...input })
    return readTag(response.text, 'Code')
  }
  t.equal(await codeOf({ body: body(thousand) }), undefined)
  t.equal(await codeOf({ body: body([...thousand, 'k']) }), 'MalformedXML')
  t.equal(await codeOf({ body: body([]) }), 'MalformedXML')
  t.equal(await codeOf({ body: body(['k', '']) }), 'MalformedXML')
  t.equal(await codeOf({ body: '<Delete><Object><Key>k</Key></Object>' }), 'MalformedXML')
  t.equal(await codeOf({ body: '<Remove><Object><Key>k</Key></Object></Remove>' }), 'MalformedXML')
  t.equal(await codeOf({ body: '' }), 'MissingRequestBodyError')
  t.equal(await codeOf({ body: Buffer.from(body(['k'])) }), 'InvalidDigest', 'Content-MD5 is required')
  const wrong = { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }
  t.equal(await codeOf({ body: body(['k']), headers: wrong }), 'BadDigest')
  t.equal((await sendRequest(emulator, { key: 'k' })).text, 'x')
})
