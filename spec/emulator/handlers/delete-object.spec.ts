import t from 'tap'
import { sendRequest, startTestEmulator, readTags, type ReceivedResponse } from '../../support/signed.js'

const key = 'k'
const bucket = 'examplebucket-1250000000'

t.test('without versioning, deleting a key twice succeeds twice', async (t) => {
  const emulator = await startTestEmulator(t)
  await sendRequest(emulator, { method: 'PUT', key, body: 'x' })
  for (const time of ['once', 'twice']) {
    const response = await sendRequest(emulator, { method: 'DELETE', key })
    t.match(response, { status: 204, text: '' }, time)
    t.equal(response.headers['x-cos-version-id'], undefined)
    t.equal(response.headers['content-length'], undefined)
  }
  t.equal((await sendRequest(emulator, { method: 'DELETE', key, bucket: 'nobodys-1250000000' })).status, 404)
  t.equal((await sendRequest(emulator, { method: 'DELETE', key, query: { versionId: 'x' } })).status, 404)
})

t.test('with versioning, DELETE adds a delete marker, which can be deleted by its id', async (t) => {
  const emulator = await startTestEmulator(t, { buckets: [{ name: bucket, versioning: 'Enabled' }] })
  await sendRequest(emulator, { method: 'PUT', key, body: 'x' })
  const marked = await sendRequest(emulator, { method: 'DELETE', key })
  t.match(marked, { status: 204, headers: { 'x-cos-delete-marker': 'true', 'x-cos-version-id': /./ } })
  const versionId = marked.headers['x-cos-version-id'] ?? ''
  const unmarked = await sendRequest(emulator, { method: 'DELETE', key, query: { versionId } })
  t.match(unmarked, {
    status: 204,
    headers: { 'x-cos-delete-marker': 'true', 'x-cos-version-id': versionId }
  })
  const got = await sendRequest(emulator, { key })
  t.equal(got.text, 'x')
  const id = got.headers['x-cos-version-id'] ?? ''
  const gone = await sendRequest(emulator, { method: 'DELETE', key, query: { versionId: id } })
  t.equal(gone.headers['x-cos-version-id'], id)
  t.equal(gone.headers['x-cos-delete-marker'], undefined)
  t.match(await sendRequest(emulator, { method: 'DELETE', key, query: { versionId: id } }), {
    status: 404,
    text: /NoSuchVersion/
  })
})

t.test('while versioning is suspended, only the null version is replaced', async (t) => {
  const emulator = await startTestEmulator(t)
  const setVersioning = (status: string): Promise<ReceivedResponse> => {
    const body = `<VersioningConfiguration><Status>${status}</Status></VersioningConfiguration>`
    return sendRequest(emulator, { method: 'PUT', query: { versioning: '' }, body })
  }
  const versions = async (): Promise<ReadonlyArray<string>> =>
    readTags((await sendRequest(emulator, { query: { versions: '' } })).text, 'VersionId')
  await sendRequest(emulator, { method: 'PUT', key, body: 'before' })
  t.strictSame(await versions(), [''], 'VersionId is empty in a bucket without versioning')
  await setVersioning('Enabled')
  t.strictSame(await versions(), ['null'])
  const named =
    (await sendRequest(emulator, { method: 'PUT', key, body: 'named' })).headers['x-cos-version-id'] ?? ''
  await setVersioning('Suspended')
  const put = await sendRequest(emulator, { method: 'PUT', key, body: 'after' })
  t.equal(put.headers['x-cos-version-id'], undefined)
  t.strictSame(
    await versions(),
    ['null', named],
    'the new null version replaces the old one and is the latest'
  )
  t.equal((await sendRequest(emulator, { key, query: { versionId: 'null' } })).text, 'after')
  const marked = await sendRequest(emulator, { method: 'DELETE', key })
  t.match(marked.headers, { 'x-cos-delete-marker': 'true', 'x-cos-version-id': 'null' })
  t.strictSame(await versions(), ['null', named], 'a null delete marker replaces the null version')
  t.equal((await sendRequest(emulator, { key })).status, 404)
  t.equal((await sendRequest(emulator, { key, query: { versionId: named } })).text, 'named')
})
