import t from 'tap'
import { ask, emulating, tags, type Told } from '../../support/signed.js'

const key = 'k'
const bucket = 'examplebucket-1250000000'

t.test('without versions, a key is gone, and gone again', async (t) => {
  const emulator = await emulating(t)
  await ask(emulator, { method: 'PUT', key, body: 'x' })
  for (const time of ['once', 'twice']) {
    const told = await ask(emulator, { method: 'DELETE', key })
    t.match(told, { status: 204, text: '' }, time)
    t.equal(told.headers['x-cos-version-id'], undefined)
    t.equal(told.headers['content-length'], undefined)
  }
  t.equal((await ask(emulator, { method: 'DELETE', key, bucket: 'nobodys-1250000000' })).status, 404)
  t.equal((await ask(emulator, { method: 'DELETE', key, query: { versionId: 'x' } })).status, 404)
})

t.test('with versions, a marker is laid, and can be taken away', async (t) => {
  const emulator = await emulating(t, { buckets: [{ name: bucket, versioning: 'Enabled' }] })
  await ask(emulator, { method: 'PUT', key, body: 'x' })
  const marked = await ask(emulator, { method: 'DELETE', key })
  t.match(marked, { status: 204, headers: { 'x-cos-delete-marker': 'true', 'x-cos-version-id': /./ } })
  const versionId = marked.headers['x-cos-version-id'] ?? ''
  const unmarked = await ask(emulator, { method: 'DELETE', key, query: { versionId } })
  t.match(unmarked, {
    status: 204,
    headers: { 'x-cos-delete-marker': 'true', 'x-cos-version-id': versionId }
  })
  const got = await ask(emulator, { key })
  t.equal(got.text, 'x')
  const id = got.headers['x-cos-version-id'] ?? ''
  const gone = await ask(emulator, { method: 'DELETE', key, query: { versionId: id } })
  t.equal(gone.headers['x-cos-version-id'], id)
  t.equal(gone.headers['x-cos-delete-marker'], undefined)
  t.match(await ask(emulator, { method: 'DELETE', key, query: { versionId: id } }), {
    status: 404,
    text: /NoSuchVersion/
  })
})

t.test('while versioning is suspended, only what has no name is overwritten', async (t) => {
  const emulator = await emulating(t)
  const versioning = (status: string): Promise<Told> => {
    const body = `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`
    return ask(emulator, { method: 'PUT', query: { versioning: '' }, body })
  }
  const versions = async (): Promise<ReadonlyArray<string>> =>
    tags((await ask(emulator, { query: { versions: '' } })).text, 'VersionId')
  await ask(emulator, { method: 'PUT', key, body: 'before' })
  t.strictSame(await versions(), [''], 'a bucket that never had versions has no names for them')
  await versioning('Enabled')
  t.strictSame(await versions(), ['null'])
  const named = (await ask(emulator, { method: 'PUT', key, body: 'named' })).headers['x-cos-version-id'] ?? ''
  await versioning('Suspended')
  const put = await ask(emulator, { method: 'PUT', key, body: 'after' })
  t.equal(put.headers['x-cos-version-id'], undefined)
  t.strictSame(await versions(), ['null', named], 'the new null in place of the old one, and newest')
  t.equal((await ask(emulator, { key, query: { versionId: 'null' } })).text, 'after')
  const marked = await ask(emulator, { method: 'DELETE', key })
  t.match(marked.headers, { 'x-cos-delete-marker': 'true', 'x-cos-version-id': 'null' })
  t.strictSame(await versions(), ['null', named], 'a null marker in place of the null version')
  t.equal((await ask(emulator, { key })).status, 404)
  t.equal((await ask(emulator, { key, query: { versionId: named } })).text, 'named')
})
