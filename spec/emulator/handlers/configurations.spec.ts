import t from 'tap'
import type { Emulator } from '../../../lib/emulator/index.js'
import {
  type ReceivedResponse,
  readTag,
  readTags,
  sendRequest,
  startTestEmulator
} from '../../support/signed.js'
import { configurationNames, configurations } from '../../../lib/emulator/http/configurations.js'

const request = (
  emulator: Emulator,
  method: string,
  query: Readonly<Record<string, string>>,
  body?: string
): Promise<ReceivedResponse> =>
  sendRequest(emulator, { method, query, ...(body === undefined ? {} : { body }) })

const cors = '<CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule>'
const policy = '{"Statement":[{"Effect":"allow","Action":["name/cos:GetObject"]}],"Version":"2.0"}'

t.test('each kind of configuration is stored, returned as it came, and deleted', async (t) => {
  const emulator = await startTestEmulator(t)
  for (const name of configurationNames) {
    const { parameter, root, absent } = configurations[name]
    const query = { [parameter]: '', ...('id' in configurations[name] ? { id: 'one' } : {}) }
    const before = await request(emulator, 'GET', query)
    if (absent === 'EmptyDocument') t.match(before, { status: 200, text: `<${root}/>` }, name)
    else t.match(before, { status: 404, text: `<Code>${absent}</Code>` }, name)
    const content = name === 'Cors' ? cors : '<Any>腾</Any>'
    const document =
      root === undefined ? policy : `<?xml version="1.0"?>\n<${root}>\n  ${content}\n</${root}>`
    t.equal((await request(emulator, 'PUT', query, document)).status, 200, name)
    t.match(await request(emulator, 'GET', query), {
      ...{ status: 200, text: document },
      headers: { 'content-type': root === undefined ? 'application/json' : 'application/xml' }
    })
    t.equal((await request(emulator, 'DELETE', query)).status, 204, name)
    t.equal((await request(emulator, 'GET', query)).status, before.status, `${name} is deleted`)
  }
  t.match(
    emulator.requests().map(({ operation }) => operation),
    ['GetBucketAccelerate', 'PutBucketAccelerate']
  )
})

t.test('a configuration fails for a bad document, without a signature and without a bucket', async (t) => {
  const emulator = await startTestEmulator(t)
  const code = async (query: Readonly<Record<string, string>>, body: string): Promise<string | undefined> =>
    readTag((await request(emulator, 'PUT', query, body)).text, 'Code')
  t.equal(await code({ lifecycle: '' }, '<Lifecycle/>'), 'MalformedXML', 'another root')
  t.equal(await code({ lifecycle: '' }, '<LifecycleConfiguration>'), 'MalformedXML')
  t.equal(await code({ lifecycle: '' }, ''), 'MissingRequestBodyError')
  t.equal(await code({ policy: '' }, '{'), 'MalformedPolicy')
  t.equal(await code({ policy: '' }, '{}'), 'InvalidArgument')
  t.equal(await code({ inventory: '' }, '<InventoryConfiguration/>'), 'InvalidArgument', 'no id')
  const twice = '<Tag><Key>a</Key></Tag><Tag><Key>a</Key></Tag>'
  t.equal(await code({ tagging: '' }, `<Tagging><TagSet>${twice}</TagSet></Tagging>`), 'InvalidTag')
  const unsigned = { query: { lifecycle: '' }, credentials: null }
  t.equal((await sendRequest(emulator, unsigned)).status, 403)
  const elsewhere = { query: { lifecycle: '' }, bucket: 'none-1250000000' }
  t.match(await sendRequest(emulator, elsewhere), { status: 404, text: /NoSuchBucket/ })
})

t.test('documents with an id are listed', async (t) => {
  const emulator = await startTestEmulator(t)
  for (const id of ['a', 'b'])
    await request(
      emulator,
      'PUT',
      { inventory: '', id },
      `<InventoryConfiguration><Id>${id}</Id></InventoryConfiguration>`
    )
  const listed = await request(emulator, 'GET', { inventory: '' })
  t.match(listed.text, /^<ListInventoryConfigurationResult>.*<IsTruncated>false<\/IsTruncated>/)
  t.strictSame(readTags(listed.text, 'Id'), ['a', 'b'])
  const tiering =
    '<IntelligentTieringConfiguration><Status>Enabled</Status></IntelligentTieringConfiguration>'
  await request(emulator, 'PUT', { intelligenttiering: '' }, tiering)
  const same = await request(emulator, 'GET', { 'intelligent-tiering': '', id: 'default' })
  t.equal(same.text, tiering, 'the older API has the document `default`')
})

t.test('documents that COS changes are changed', async (t) => {
  const emulator = await startTestEmulator(t)
  const storeAndRead = async (parameter: string, document: string): Promise<string> => {
    await request(emulator, 'PUT', { [parameter]: '' }, document)
    return (await request(emulator, 'GET', { [parameter]: '' })).text
  }
  const lower = '{"version":"2.0","statement":[{"effect":"allow","action":["a"],"resource":["r"]}]}'
  // The tests of the Node and browser SDKs read `resource` of the `Statement` that is returned.
  const upper = '{"version":"2.0","Statement":[{"effect":"allow","action":["a"],"resource":["r"]}]}'
  t.equal(await storeAndRead('policy', lower), upper)
  const sse = (rule: string): string =>
    `<ServerSideEncryptionConfiguration><Rule><${rule}/></Rule></ServerSideEncryptionConfiguration>`
  const given = sse('ApplySideEncryptionConfiguration')
  t.equal(await storeAndRead('encryption', given), sse('ApplyServerSideEncryptionByDefault'))
  await request(
    emulator,
    'PUT',
    { referer: '' },
    '<RefererConfiguration><Status>Enabled</Status></RefererConfiguration>'
  )
  t.equal(
    await storeAndRead('referer', ''),
    '<RefererConfiguration/>',
    'a referer is deleted by an empty PUT'
  )
})

t.test('the location, and buckets by tag, time and page, are returned', async (t) => {
  const emulator = await startTestEmulator(t, { buckets: ['a-1250000000', 'b-1250000000', 'c-1250000000'] })
  const bucket = 'b-1250000000'
  const location = await sendRequest(emulator, { bucket, query: { location: '' } })
  t.equal(readTag(location.text, 'LocationConstraint'), 'ap-guangzhou')
  const tags = '<Tagging><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tagging>'
  await sendRequest(emulator, { method: 'PUT', bucket, query: { tagging: '' }, body: tags })
  const names = async (query: Readonly<Record<string, string>>): Promise<ReadonlyArray<string>> =>
    readTags((await sendRequest(emulator, { host: 'service.cos.myqcloud.com', query })).text, 'Name')
  t.strictSame(await names({ tagkey: 'k', tagvalue: 'v' }), [bucket])
  t.strictSame(await names({ tagkey: 'k', tagvalue: 'x' }), [])
  t.strictSame(await names({ marker: 'a-1250000000', 'max-keys': '1' }), [bucket])
  t.strictSame(await names({ region: 'ap-beijing' }), [])
  t.equal((await names({ 'create-time': '1514736000', range: 'gt' })).length, 3)
  t.strictSame(await names({ 'create-time': '1514736000', range: 'lt' }), [])
})
