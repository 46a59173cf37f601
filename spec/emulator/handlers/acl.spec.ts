import t from 'tap'
import type { Emulator } from '../../../lib/emulator/index.js'
import {
  type ReceivedResponse,
  readTag,
  readTags,
  sendRequest,
  startTestEmulator
} from '../../support/signed.js'

const everyone = 'http://cam.qcloud.com/groups/global/AllUsers'

const putAcl = (
  emulator: Emulator,
  key: string,
  acl: Readonly<Record<string, string>> | string
): Promise<ReceivedResponse> =>
  sendRequest(emulator, {
    ...{ method: 'PUT', key, query: { acl: '' } },
    ...(typeof acl === 'string' ? { body: acl } : { headers: { 'content-length': '0', ...acl } })
  })

const grant = (grantee: string, permission: string): string =>
  `<Grant><Grantee>${grantee}</Grantee><Permission>${permission}</Permission></Grant>`
const policy = (...grants: ReadonlyArray<string>): string =>
  `<AccessControlPolicy><Owner><ID>1250000000</ID></Owner><AccessControlList>${grants.join('')}</AccessControlList></AccessControlPolicy>`

/** `READ id`, in the order of the document. */
const grantsOf = (text: string): ReadonlyArray<string> => {
  const list = text.slice(text.indexOf('<AccessControlList>'))
  return [...list.matchAll(/<(?:ID|URI)>([^<]*)<.*?<Permission>([^<]*)</gs)].map(
    ([, id = '', permission = '']) => `${permission} ${id}`
  )
}

t.test('an ACL in headers adds grants to those of the owner and of x-cos-acl', async (t) => {
  const emulator = await startTestEmulator(t)
  await sendRequest(emulator, { method: 'PUT', key: 'k', body: 'x' })
  const two = 'id="qcs::cam::uin/1:uin/1", id="qcs::cam::uin/2:uin/2"'
  for (const key of ['', 'k']) {
    t.equal(
      (await putAcl(emulator, key, { 'x-cos-acl': 'public-read', 'x-cos-grant-read-acp': two })).status,
      200
    )
    const got = await sendRequest(emulator, { key, query: { acl: '' } })
    t.equal(got.headers['x-cos-acl'], 'public-read')
    t.strictSame(grantsOf(got.text), [
      ...['FULL_CONTROL 1250000000', `READ ${everyone}`],
      ...['READ_ACP qcs::cam::uin/1:uin/1', 'READ_ACP qcs::cam::uin/2:uin/2']
    ])
    await putAcl(emulator, key, { 'x-cos-acl': 'private' })
    const replaced = await sendRequest(emulator, { key, query: { acl: '' } })
    t.strictSame(grantsOf(replaced.text), ['FULL_CONTROL 1250000000'], 'a new ACL replaces the old one')
  }
})

t.test('an ACL as a document is returned with its own grants only', async (t) => {
  const emulator = await startTestEmulator(t)
  await sendRequest(emulator, { method: 'PUT', key: 'k', body: 'x' })
  for (const key of ['', 'k']) {
    const id = '<ID>qcs::cam::uin/10002:uin/10002</ID>'
    t.equal((await putAcl(emulator, key, policy(grant(id, 'READ')))).status, 200)
    const got = await sendRequest(emulator, { key, query: { acl: '' } })
    t.strictSame(grantsOf(got.text), ['READ qcs::cam::uin/10002:uin/10002'])
    t.equal(readTags(got.text, 'ID')[0], '1250000000', 'the owner')
    t.equal((await sendRequest(emulator, { method: 'PUT', key: `${key}2`, body: 'y' })).status, 200)
  }
})

t.test('unsigned requests are allowed as the ACL says', async (t) => {
  const emulator = await startTestEmulator(t)
  const bucket = 'examplebucket-1250000000'
  await sendRequest(emulator, { method: 'PUT', key: 'k', body: 'x' })
  const read = async (): Promise<number> =>
    (await sendRequest(emulator, { key: 'k', credentials: null })).status
  const write = async (): Promise<number> =>
    (await sendRequest(emulator, { method: 'PUT', key: 'new', body: 'x', credentials: null })).status
  const access = async (): Promise<string> => `${String(await read())} ${String(await write())}`
  t.equal(await access(), '403 403')
  await putAcl(emulator, '', { 'x-cos-acl': 'public-read' })
  t.equal(await access(), '200 403', 'the object inherits from its bucket')
  await putAcl(emulator, '', { 'x-cos-acl': 'authenticated-read' })
  t.equal(await access(), '403 403')
  const anyone = `<URI>${everyone}</URI>`
  await putAcl(emulator, '', policy(grant(anyone, 'READ'), grant(anyone, 'WRITE')))
  t.equal(await access(), '200 200')
  t.equal((await sendRequest(emulator, { query: { acl: '' } })).headers['x-cos-acl'], 'public-read-write')
  await putAcl(emulator, 'k', { 'x-cos-acl': 'private' })
  t.equal(await access(), '403 200')
  await putAcl(emulator, 'k', policy(grant('<ID>1</ID>', 'READ')))
  t.equal(await read(), 403, 'a document without a grant for everyone')
  await putAcl(emulator, 'k', policy(grant(anyone, 'READ')))
  await putAcl(emulator, '', { 'x-cos-acl': 'private' })
  t.equal(await access(), '200 403')
  await sendRequest(emulator, { method: 'PUT', key: 'k', body: 'x' })
  t.equal(await read(), 403, 'an overwritten object has no ACL')
  t.equal((await sendRequest(emulator, { bucket, query: { acl: '' }, credentials: null })).status, 403)
})

t.test('an ACL that is not valid fails and changes nothing', async (t) => {
  const emulator = await startTestEmulator(t)
  const code = async (...input: Parameters<typeof putAcl>): Promise<string | undefined> =>
    readTag((await putAcl(...input)).text, 'Code')
  t.equal(await code(emulator, '', { 'x-cos-acl': 'public-read-writ' }), 'InvalidArgument')
  t.equal(await code(emulator, '', { 'x-cos-acl': 'default' }), 'InvalidArgument', 'of a bucket')
  t.equal(await code(emulator, '', { 'x-cos-grant-read': '1' }), 'InvalidArgument')
  t.equal(await code(emulator, '', {}), 'MissingRequestBodyError')
  t.equal(await code(emulator, '', policy(grant('', 'READ'))), 'MalformedXML')
  t.equal(await code(emulator, '', policy(grant('<ID>1</ID>', 'ALL'))), 'MalformedXML')
  t.equal(await code(emulator, '', '<AccessControlPolicy/>'), 'MalformedXML')
  t.equal(await code(emulator, 'none', { 'x-cos-acl': 'private' }), 'NoSuchKey')
  const both = {
    ...{ method: 'PUT', query: { acl: '' } },
    body: policy(),
    headers: { 'x-cos-acl': 'private' }
  }
  t.equal(readTag((await sendRequest(emulator, both)).text, 'Code'), 'InvalidRequest')
  t.equal((await sendRequest(emulator, { query: { acl: '' } })).headers['x-cos-acl'], 'private')
})
