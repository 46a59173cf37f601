import t from 'tap'
import { escapeXml } from '../../../lib/core/xml.js'
import { ask, type Asked, emulating, tag, tags, type Told } from '../../support/signed.js'

const body = (keys: ReadonlyArray<string>, quiet = false, versionId = ''): string =>
  `<Delete><Quiet>${String(quiet)}</Quiet>${keys
    .map(
      (key) =>
        `<Object><Key>${escapeXml(key)}</Key>${versionId && `<VersionId>${versionId}</VersionId>`}</Object>`
    )
    .join('')}</Delete>`

const post = { method: 'POST', query: { delete: '' } } as const

t.test('each key has its result, those that were never there too', async (t) => {
  const emulator = await emulating(t)
  const keys = ['a&b<c>"d"', ' spaces ', 'line\rand\nline', '腾😀', '/lead']
  for (const key of keys.slice(0, 4)) await ask(emulator, { method: 'PUT', key, body: 'x' })
  await ask(emulator, { method: 'PUT', key: 'lead', body: 'x' })
  const told = await ask(emulator, { ...post, body: body([...keys, 'never']) })
  t.equal(told.status, 200)
  t.strictSame(
    tags(told.text, 'Key'),
    [...keys.slice(0, 4), 'lead', 'never'].map((key) => escapeXml(key))
  )
  t.strictSame(tags((await ask(emulator, {})).text, 'Key'), [])
})

t.test('what fails is told, alone where quiet is asked for', async (t) => {
  const buckets = [{ name: 'examplebucket-1250000000', versioning: 'Enabled' as const }]
  const emulator = await emulating(t, { buckets })
  await ask(emulator, { method: 'PUT', key: 'k', body: 'x' })
  const marked = await ask(emulator, { ...post, body: body(['k']) })
  t.equal(tag(marked.text, 'DeleteMarker'), 'true')
  t.ok(tag(marked.text, 'DeleteMarkerVersionId'))
  const failed = await ask(emulator, { ...post, body: body(['k'], true, 'unknown') })
  t.strictSame(
    [tag(failed.text, 'Key'), tag(failed.text, 'VersionId'), tag(failed.text, 'Code')],
    ['k', 'unknown', 'NoSuchVersion']
  )
  const quiet = await ask(emulator, { ...post, body: body(['k'], true) })
  t.match(quiet.text, /<DeleteResult><\/DeleteResult>$/)
  const long = await ask(emulator, { ...post, body: body(['腾'.repeat(284)]) })
  t.equal(tag(long.text, 'Code'), 'KeyTooLong')
})

t.test('a body that is no list of keys deletes none', async (t) => {
  const emulator = await emulating(t)
  await ask(emulator, { method: 'PUT', key: 'k', body: 'x' })
  const thousand = Array.from({ length: 1000 }, (_, n) => `never/${String(n)}`)
  const refused = async (asked: Asked): Promise<string | undefined> => {
    const told: Told = await ask(emulator, { ...post, ...asked })
    return tag(told.text, 'Code')
  }
  t.equal(await refused({ body: body(thousand) }), undefined)
  t.equal(await refused({ body: body([...thousand, 'k']) }), 'MalformedXML')
  t.equal(await refused({ body: body([]) }), 'MalformedXML')
  t.equal(await refused({ body: body(['k', '']) }), 'MalformedXML')
  t.equal(await refused({ body: '<Delete><Object><Key>k</Key></Object>' }), 'MalformedXML')
  t.equal(await refused({ body: '<Remove><Object><Key>k</Key></Object></Remove>' }), 'MalformedXML')
  t.equal(await refused({ body: '' }), 'MissingRequestBodyError')
  t.equal(await refused({ body: Buffer.from(body(['k'])) }), 'InvalidDigest', 'Content-MD5 is a must')
  const wrong = { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }
  t.equal(await refused({ body: body(['k']), headers: wrong }), 'BadDigest')
  t.equal((await ask(emulator, { key: 'k' })).text, 'x')
})
