/** PUT Object - Copy, over the wire: the metadata that a copy keeps, those that it replaces, and an error inside a 200. */
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { copyObject, type CopyObjectInput } from '../../lib/operations/copy-object.js'
import { deleteObject } from '../../lib/operations/delete-object.js'
import { getObject } from '../../lib/operations/get-object.js'
import { headObject } from '../../lib/operations/head-object.js'
import { putObject } from '../../lib/operations/put-object.js'
import * as A from './fixture.js'
import { failedInside200, refusals, expectInvalidInput } from './error-cases.js'
import { trackParameters } from './parameter-coverage.js'

const { bucket, region } = A
const { call: copying, uncovered } = trackParameters(copyObject)
const from = { bucket: A.versioned, key: 'from/a b+%?#腾.txt' }
const to = { bucket, key: 'to.txt' }
const copySource = { ...from, region }

t.test('a copy with every parameter has the replaced attributes, and none of the source', async (t) => {
  const second = Math.floor(Date.now() / 1000) * 1000
  const { run, headersOf, emulator } = await A.startFixture(t, { now: () => second })
  const source = await run(
    putObject({ ...from, body: 'hello', sse: A.sseC, metadata: { shape: 'square' }, tagging: { old: '1' } })
  )
  await run(putObject({ ...from, body: 'newer' }))
  const versionId = A.some(source.versionId)
  const copy = await run(
    copying({
      bucket,
      ...A.collapsing,
      copySource: { ...copySource, versionId },
      copySourceSse: A.sseC,
      copySourceIfMatch: source.etag.replaceAll('"', ''),
      copySourceIfNoneMatch: 'another',
      copySourceIfModifiedSince: A.past,
      copySourceIfUnmodifiedSince: A.future,
      copyStatus: 'Replaced',
      taggingDirective: 'Replaced',
      ...A.entity,
      ...A.access,
      sse: { type: 'KMS', keyId: 'a-key', context: { a: '1' } },
      storageClass: 'STANDARD_IA',
      tagging: { a: '1', b: '2' },
      forbidOverwrite: true,
      headers: { 'x-cos-meta-extra': 'by hand' },
      query: { 'by-hand': 'parameter' }
    })
  )
  const { headers: _raw, ...output } = copy
  t.same(output, {
    requestId: emulator.requests().at(-1)?.requestId,
    etag: copy.etag,
    lastModified: O.some(new Date(second)),
    crc64: source.crc64,
    versionId: O.none,
    copySourceVersionId: O.some(versionId),
    sse: O.some({ type: 'KMS', keyId: O.some('a-key') })
  })
  t.match(headersOf('CopyObject'), {
    ...A.accessHeaders,
    'x-cos-copy-source': `${A.versioned}.cos.${region}.myqcloud.com/from/a%20b%2B%25%3F%23%E8%85%BE.txt?versionId=${versionId}`,
    'x-cos-copy-source-if-match': source.etag,
    'x-cos-copy-source-if-unmodified-since': 'Sat, 02 Jan 2100 03:04:05 GMT',
    'x-cos-metadata-directive': 'Replaced',
    'x-cos-tagging-directive': 'Replaced',
    'x-cos-forbid-overwrite': 'true',
    'content-length': '0'
  })
  const got = await run(getObject({ bucket, ...A.collapsing }))
  t.equal(await A.textOf(got.body), 'hello')
  t.match(got, {
    ...A.entityAttributes,
    etag: copy.etag,
    storageClass: 'STANDARD_IA',
    taggingCount: O.some(2),
    sse: O.some({ type: 'KMS' })
  })
  t.same(got.metadata, { ...A.entityAttributes.metadata, extra: 'by hand' })
})

t.test('a copy without parameters has the metadata of the source, and default storage', async (t) => {
  const { run } = await A.startFixture(t)
  const source = await run(
    putObject({ ...from, ...A.entity, body: 'hello', storageClass: 'STANDARD_IA', tagging: { a: '1' } })
  )
  const endpoint = `cos.${region}.myqcloud.com`
  const copied = await run(
    copying({ ...to, bucket: A.versioned, copySource: { ...from, endpoint }, copyStatus: 'Copy' })
  )
  t.match(copied, { etag: source.etag, crc64: source.crc64, copySourceVersionId: O.none, sse: O.none })
  const head = await run(headObject({ ...to, bucket: A.versioned }))
  t.match(head, { ...A.entityAttributes, storageClass: 'STANDARD', taggingCount: O.some(1) })
  t.same(head.versionId, copied.versionId)
  t.ok(O.isSome(copied.versionId))
})

t.test('every parameter is covered', async (t) => t.same(uncovered(), []))

t.test('a copy onto itself replaces all metadata', async (t) => {
  const { run, runFailing } = await A.startFixture(t)
  await run(putObject({ ...to, ...A.entity, body: 'a' }))
  const itself = { ...to, copySource: { ...to, region } }
  t.match(await runFailing(copyObject(itself)), { status: 400, code: 'InvalidRequest' })
  await run(
    copyObject({ ...itself, copyStatus: 'Replaced', contentType: 'text/plain', storageClass: 'ARCHIVE' })
  )
  const head = await run(headObject(to))
  t.match(head, { contentType: O.some('text/plain'), cacheControl: O.none, storageClass: 'ARCHIVE' })
  t.same(head.metadata, {})
})

t.test('COS refuses requests that its state does not allow', async (t) => {
  const large = 5 * 1024 ** 3 + 1
  const { run, runFailing } = await A.startFixture(t, { seed: [{ bucket, key: 'large', size: large }] })
  const source = await run(putObject({ ...from, body: 'a' }))
  await run(putObject({ ...to, key: 'archived', body: 'a', storageClass: 'ARCHIVE' }))
  await run(putObject({ ...to, key: 'secret', body: 'a', sse: A.sseC }))
  const expectRefusal = async (input: Partial<CopyObjectInput>, status: number, code: string) => {
    const error = await runFailing(copyObject({ ...to, copySource, ...input }))
    t.match(error, { _tag: 'ServiceError', status, code, context: { attempts: 1 } }, code)
  }
  const of = (key: string) => ({ copySource: { bucket, region, key } })
  await expectRefusal({ bucket: A.nowhere }, 404, 'NoSuchBucket')
  await expectRefusal({ copySource: { ...copySource, bucket: A.nowhere } }, 404, 'NoSuchBucket')
  await expectRefusal(of('never'), 404, 'NoSuchKey')
  await expectRefusal({ copySource: { ...copySource, versionId: 'never' } }, 404, 'NoSuchVersion')
  await expectRefusal({ headers: { 'x-cos-copy-source': 'nonsense' } }, 400, 'InvalidCopySource')
  await expectRefusal(of('archived'), 403, 'InvalidObjectState')
  await expectRefusal(of('large'), 400, 'EntityTooLarge')
  await expectRefusal(of('secret'), 400, 'SsecDecryptHeaderInvalid')
  await expectRefusal({ ...of('secret'), copySourceSse: A.otherC }, 400, 'SsecDecryptHeaderInvalid')
  await expectRefusal({ copySourceSse: A.sseC }, 400, 'SsecDecryptHeaderInvalid')
  await expectRefusal({ storageClass: 'NEXT_YEARS' }, 400, 'NotSupportedStorageClass')
  await expectRefusal({ storageClass: 'MAZ_STANDARD' }, 400, 'MAZOperationNotSupportOnOAZBucket')
  await expectRefusal({ acl: 'nobody' }, 400, 'InvalidArgument')
  // A copy has 412 for each condition that fails.
  await expectRefusal({ copySourceIfMatch: 'another' }, 412, 'PreconditionFailed')
  await expectRefusal({ copySourceIfNoneMatch: source.etag }, 412, 'PreconditionFailed')
  await expectRefusal({ copySourceIfModifiedSince: A.future }, 412, 'PreconditionFailed')
  await expectRefusal({ copySourceIfUnmodifiedSince: A.past }, 412, 'PreconditionFailed')
  await run(copyObject({ ...to, copySource, forbidOverwrite: true }))
  await expectRefusal({ forbidOverwrite: true }, 409, 'FileAlreadyExists')

  const marker = await run(deleteObject(from))
  await expectRefusal({}, 404, 'NoSuchKey')
  await expectRefusal(
    { copySource: { ...copySource, versionId: A.some(marker.versionId) } },
    400,
    'InvalidRequest'
  )
})

t.test('an invalid input is an InvalidInput, and nothing is sent', (t) =>
  expectInvalidInput(t, [
    ['key', copyObject({ bucket, key: 'a/..', copySource })],
    ['copySource.region', copyObject({ ...to, copySource: from })],
    ['copySource.key', copyObject({ ...to, copySource: { ...copySource, key: '' } })],
    ['copySource.versionId', copyObject({ ...to, copySource: { ...copySource, versionId: '' } })],
    ['copyStatus', copyObject({ ...to, copySource, contentType: 'text/plain' })],
    ['copyStatus', copyObject({ ...to, copySource, copyStatus: 'REPLACE' as never })],
    ['taggingDirective', copyObject({ ...to, copySource, tagging: { a: '1' } })],
    ['copySourceIfMatch', copyObject({ ...to, copySource, copySourceIfMatch: '' })],
    [
      'copySourceSse.key',
      copyObject({ ...to, copySource, copySourceSse: { type: 'C', key: Buffer.alloc(1) } })
    ]
  ])
)

t.test('an error or a cut document inside a 200 is a failure', (t) =>
  failedInside200(t, copyObject({ ...to, copySource }), 'CopyObjectResult')
)

refusals(copyObject({ ...to, copySource }))
