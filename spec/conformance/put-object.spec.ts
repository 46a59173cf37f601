/** PUT Object, over the wire: the stored object, the fields of the response, and the errors. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { crc64 } from '../../lib/core/crc64.js'
import { getObject } from '../../lib/operations/get-object.js'
import { headObject } from '../../lib/operations/head-object.js'
import { putObject } from '../../lib/operations/put-object.js'
import { sendRequest } from '../support/signed.js'
import { from } from '../support/iterables.js'
import * as A from './fixture.js'
import { refusals, expectInvalidInput } from './error-cases.js'
import { trackParameters } from './parameter-coverage.js'

const { bucket } = A
const { call: putting, uncovered } = trackParameters(putObject)
const at = { bucket, key: 'a.txt' }
const md5 = (text: string): string => createHash('md5').update(text).digest('base64')
const etagOf = (text: string): string => `"${createHash('md5').update(text).digest('hex')}"`

t.test('an object put with every parameter has its attributes', async (t) => {
  const { run, headersOf, emulator } = await A.startFixture(t)
  const to = { bucket, key: A.awkward }
  const body = 'hello 腾讯'
  const sum = await crc64(Buffer.from(body))
  const put = await run(
    putting({
      ...to,
      ...A.entity,
      ...A.access,
      body,
      contentLength: 12,
      contentMd5: md5(body),
      enableMd5: true,
      expectContinue: true,
      sse: { type: 'COS' },
      storageClass: 'STANDARD_IA',
      tagging: { a: '1', 'b c': '腾' },
      forbidOverwrite: true,
      trafficLimit: 838_860_800,
      headers: { 'x-cos-meta-extra': 'by hand' },
      query: { 'x-cos-traffic-limit': '838860800' }
    })
  )
  t.match(put, {
    etag: etagOf(body),
    crc64: O.some(sum),
    integrity: { _tag: 'Verified', crc64: sum },
    sse: O.some({ type: 'COS' }),
    versionId: O.none,
    response: O.none,
    requestId: emulator.requests()[0]?.requestId,
    headers: { etag: etagOf(body), 'x-cos-hash-crc64ecma': String(sum) }
  })
  t.match(headersOf('PutObject'), {
    ...A.accessHeaders,
    'content-length': '12',
    'content-md5': md5(body),
    expect: '100-continue',
    'x-cos-forbid-overwrite': 'true',
    'x-cos-tagging': 'a=1&b%20c=%E8%85%BE',
    'x-cos-traffic-limit': '838860800'
  })

  const head = await run(headObject(to))
  const output = {
    ...A.entityAttributes,
    metadata: { ...A.entityAttributes.metadata, extra: 'by hand' },
    etag: put.etag,
    crc64: O.some(sum),
    storageClass: 'STANDARD_IA',
    taggingCount: O.some(2),
    sse: O.some({ type: 'COS' })
  }
  t.match(head, { ...output, size: 12 })
  const got = await run(getObject(to))
  t.match(got, { ...output, size: O.some(12) })
  t.equal(await A.textOf(got.body), body)

  const acl = await sendRequest(emulator, { key: A.awkward.slice(1), query: { acl: '' } })
  t.match(acl.text, /100000000006<\/ID>[^]*<Permission>FULL_CONTROL/)
})

t.test('each of the three kinds of encryption is returned', async (t) => {
  const { run, headersOf } = await A.startFixture(t)
  const kms = { type: 'KMS', keyId: 'a-key', context: { department: '腾讯' } } as const
  const byKms = await run(putting({ ...at, body: 'a', sse: kms }))
  t.same(byKms.sse, O.some({ type: 'KMS', keyId: O.some('a-key') }))
  t.not(byKms.etag, etagOf('a'))
  t.match(headersOf('PutObject'), {
    'x-cos-server-side-encryption': 'cos/kms',
    'x-cos-server-side-encryption-cos-kms-key-id': 'a-key',
    'x-cos-server-side-encryption-context': Buffer.from('{"department":"腾讯"}').toString('base64')
  })
  t.match(await run(headObject(at)), { sse: O.some({ type: 'KMS', keyId: O.some('a-key') }) })

  const byKey = await run(putting({ ...at, body: 'hidden', sse: A.sseC }))
  t.same(byKey.sse, O.some({ type: 'C', keyMd5: O.some(A.sseCMd5) }))
  t.match(byKey.integrity, { _tag: 'Verified' })
  t.not(byKey.etag, etagOf('hidden'))
  const got = await run(getObject({ ...at, sse: A.sseC }))
  t.equal(await A.textOf(got.body), 'hidden')
})

t.test('a body may be text, bytes, chunks, a file, or a stream of known or unknown length', async (t) => {
  const { run, headersOf } = await A.startFixture(t)
  const file = join(t.testdir({ 'a.txt': 'hello' }), 'a.txt')
  const bytes = Buffer.from('hello')
  const bodies = {
    text: { body: 'hello' },
    bytes: { body: bytes },
    file: { body: { file } },
    opened: { body: { open: () => from(bytes), size: 5 } },
    measured: { body: from(bytes), contentLength: 5 },
    unmeasured: { body: from(bytes) }
  }
  for (const [name, body] of Object.entries(bodies)) {
    const put = await run(putObject({ bucket, key: name, ...body }))
    t.match([put.etag, put.integrity._tag], [etagOf('hello'), 'Verified'], name)
    t.equal(headersOf('PutObject')['transfer-encoding'], name === 'unmeasured' ? 'chunked' : undefined, name)
    t.equal(await A.textOf((await run(getObject({ bucket, key: name }))).body), 'hello', name)
  }
  t.match(await run(putObject({ bucket, key: 'folder/', body: '' })), { etag: etagOf('') })
  t.match(await run(headObject({ bucket, key: 'folder/' })), { size: 0 })
})

t.test('a path-like key is accepted with allowPathLikeKey', async (t) => {
  const { run } = await A.startFixture(t)
  await run(putting({ bucket, ...A.collapsing, body: 'here' }))
  const got = await run(getObject({ bucket, ...A.collapsing }))
  t.equal(await A.textOf(got.body), 'here')
})

t.test('a bucket with versioning returns the version id', async (t) => {
  const { run } = await A.startFixture(t)
  const versions = { bucket: A.versioned, key: 'a' }
  const { versionId } = await run(putObject({ ...versions, body: 'a' }))
  t.match(await run(headObject({ ...versions, versionId: A.some(versionId) })), { versionId })
  t.same((await run(putObject({ ...versions, bucket: A.suspended, body: 'a' }))).versionId, O.none)
})

t.test('the result has the response of a callback and the result of picture processing', async (t) => {
  const response = '{"from":"the callback"}'
  const headers = { etag: etagOf('a'), 'x-cos-hash-crc64ecma': String(await crc64(Buffer.from('a'))) }
  const { run, headersOf } = await A.startFixture(t, {
    fault: () => ({ response: { status: 200, body: response, contentType: 'application/json', headers } })
  })
  const callback = {
    callbackUrl: ['https://a.example/', 'https://b.example/'],
    callbackHost: 'c.example',
    callbackBody: 'b=${bucket}',
    callbackBodyType: 'application/json'
  }
  const output = await run(
    putting({ ...at, body: 'a', callback, callbackVar: { 'x:a': '1' }, picOperations: { is_pic_info: 1 } })
  )
  t.match(output, { etag: etagOf('a'), integrity: { _tag: 'Verified' }, response: O.some(response) })
  const json = (name: string): unknown =>
    JSON.parse(Buffer.from(headersOf('PutObject')[name] ?? '', 'base64').toString())
  t.same(json('x-cos-callback'), { ...callback, callbackUrl: 'https://a.example/;https://b.example/' })
  t.same(json('x-cos-callback-var'), { 'x:a': '1' })
  t.equal(headersOf('PutObject')['pic-operations'], '{"is_pic_info":1}')
})

t.test('every parameter is covered', async (t) => t.same(uncovered(), []))

t.test('COS refuses requests that its state does not allow', async (t) => {
  const { run, runFailing, headersOf } = await A.startFixture(t)
  const expectRefusal = async (
    input: Partial<Parameters<typeof putObject>[0]>,
    status: number,
    code: string
  ) => {
    const error = await runFailing(putObject({ ...at, body: 'a', ...input }))
    t.match(error, { _tag: 'ServiceError', status, code }, code)
  }
  await expectRefusal({ bucket: A.nowhere }, 404, 'NoSuchBucket')
  await expectRefusal({ contentMd5: md5('b') }, 400, 'BadDigest')
  await expectRefusal({ headers: { 'content-md5': 'nonsense' } }, 400, 'InvalidDigest')
  await expectRefusal({ headers: { 'x-cos-content-sha1': '0' } }, 400, 'InvalidSHA1Digest')
  await expectRefusal({ storageClass: 'NEXT_YEARS' }, 400, 'NotSupportedStorageClass')
  await expectRefusal({ storageClass: 'MAZ_STANDARD' }, 400, 'MAZOperationNotSupportOnOAZBucket')
  await expectRefusal({ acl: 'nobody' }, 400, 'InvalidArgument')
  await expectRefusal({ grantRead: 'anyone' }, 400, 'InvalidArgument')
  await expectRefusal({ headers: { 'x-cos-tagging': 'a=1&a=2' } }, 400, 'InvalidTag')
  await expectRefusal({ headers: { 'x-cos-server-side-encryption': 'rot13' } }, 400, 'InvalidArgument')
  await expectRefusal(
    { sse: A.sseC, headers: { 'x-cos-server-side-encryption': 'AES256' } },
    400,
    'InvalidArgument'
  )
  const customer = 'x-cos-server-side-encryption-customer'
  await expectRefusal({ headers: { [`${customer}-algorithm`]: 'AES256' } }, 400, 'SsecDecryptHeaderInvalid')
  await expectRefusal({ metadata: { a: 'x'.repeat(5000) } }, 400, 'MetadataTooLarge')
  await expectRefusal({ callback: 'aGVsbG8=' }, 501, 'NotImplemented')
  await expectRefusal({ picOperations: '{}' }, 501, 'NotImplemented')

  await run(putObject({ ...at, body: 'a', forbidOverwrite: true }))
  await expectRefusal({ forbidOverwrite: true }, 409, 'FileAlreadyExists')
  const huge = { open: () => from(Buffer.from('a')), size: 5 * 1024 ** 3 + 1 }
  await expectRefusal({ body: huge, expectContinue: true }, 400, 'EntityTooLarge')
  t.equal(headersOf('PutObject')['content-length'], '5368709121')
  t.match(await run(headObject(at)), { size: 1 }, 'and nothing was replaced')
})

t.test('an invalid input is an InvalidInput, and nothing is sent', (t) =>
  expectInvalidInput(t, [
    ['bucket', putObject({ ...at, bucket: 'no-appid', body: '' })],
    ['key', putObject({ bucket, key: '', body: '' })],
    ['key', putObject({ bucket, key: 'x'.repeat(851), body: '' })],
    ['key', putObject({ bucket, key: 'a\u0018', body: '' })],
    ['key', putObject({ bucket, key: 'a/..', body: '' })],
    ['contentLength', putObject({ ...at, body: 'a', contentLength: 2 })],
    ['contentMd5', putObject({ ...at, body: 'a', contentMd5: 'nonsense' })],
    ['enableMd5', putObject({ ...at, body: from(Buffer.from('a')), enableMd5: true })],
    ['trafficLimit', putObject({ ...at, body: 'a', trafficLimit: 819_199 })],
    ['tagging', putObject({ ...at, body: 'a', tagging: { '': 'a' } })],
    ['metadata', putObject({ ...at, body: 'a', metadata: { 'a b': 'c' } })],
    ['grantRead', putObject({ ...at, body: 'a', grantRead: [] })],
    ['sse.key', putObject({ ...at, body: 'a', sse: { type: 'C', key: Buffer.alloc(31) } })],
    ['callback', putObject({ ...at, body: 'a', callback: '{}' })],
    ['headers', putObject({ ...at, body: 'a', headers: { host: 'elsewhere' } })],
    ['query', putObject({ ...at, body: 'a', query: { uploadId: '' } })]
  ])
)

refusals(putObject({ ...at, body: 'a' }))
