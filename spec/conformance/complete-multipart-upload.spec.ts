/** Complete Multipart Upload, over the wire: parts become the object, all of them or none. */
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { crc64 } from '../../lib/core/crc64.js'
import { abortMultipartUpload } from '../../lib/operations/abort-multipart-upload.js'
import {
  completeMultipartUpload,
  type CompleteMultipartUploadInput
} from '../../lib/operations/complete-multipart-upload.js'
import { createMultipartUpload } from '../../lib/operations/create-multipart-upload.js'
import { getObject } from '../../lib/operations/get-object.js'
import { headObject } from '../../lib/operations/head-object.js'
import { listMultipartUploads } from '../../lib/operations/list-multipart-uploads.js'
import { putObject } from '../../lib/operations/put-object.js'
import { uploadPart } from '../../lib/operations/upload-part.js'
import type { EmulatorOptions } from '../../lib/emulator/index.js'
import * as A from './fixture.js'
import { failedInside200, refusals, expectInvalidInput } from './error-cases.js'
import { trackParameters } from './parameter-coverage.js'

const { bucket } = A
const { call: completing, uncovered } = trackParameters(completeMultipartUpload)
const at = { bucket, key: 'a.txt' }

/** An upload with these parts. */
const begun = async (
  t: Parameters<typeof A.startFixture>[0],
  bodies: ReadonlyArray<string | Uint8Array>,
  options: EmulatorOptions = {},
  to: Parameters<typeof createMultipartUpload>[0] = at
) => {
  const startFixture = await A.startFixture(t, options)
  const { uploadId } = await startFixture.run(createMultipartUpload(to))
  const { bucket, key, allowPathLikeKey = false } = to
  const parts = []
  for (const [n, body] of bodies.entries()) {
    const part = { bucket, key, allowPathLikeKey, uploadId, partNumber: n + 1, body }
    parts.push(await startFixture.run(uploadPart(part)))
  }
  return { ...startFixture, uploadId, parts }
}

t.test('an upload becomes the object, with its parts in any order', async (t) => {
  const to = { bucket, ...A.collapsing, sse: { type: 'COS' } } as const
  const requested = await begun(t, ['one ', 'two ', 'three'], { minPartSize: 1 }, to)
  const { run, headersOf, emulator, uploadId, parts } = requested
  const sum = await crc64(Buffer.from('one two three'))
  const [one, two, three] = parts.map(({ partNumber, etag }) => ({ partNumber, etag }))
  const { headers: raw, ...output } = await run(
    completing({
      bucket,
      ...A.collapsing,
      uploadId,
      parts: [three!, { ...one!, etag: one!.etag.replaceAll('"', '') }, two!],
      forbidOverwrite: true,
      headers: { 'x-cos-by-hand': 'header' },
      query: { 'by-hand': 'parameter' }
    })
  )
  t.same(output, {
    requestId: emulator.requests().at(-1)?.requestId,
    bucket,
    key: 'a/..',
    etag: output.etag,
    location: O.some(`http://${bucket}.cos.ap-guangzhou.myqcloud.com/a%2F..`),
    crc64: O.some(sum),
    versionId: O.none,
    sse: O.some({ type: 'COS' }),
    response: O.none
  })
  t.match(output.etag, /^"[0-9a-f]{32}-3"$/)
  t.match(raw, { 'x-cos-hash-crc64ecma': String(sum) })
  t.match(headersOf('CompleteMultipartUpload'), {
    'content-md5': /==$/,
    'x-cos-forbid-overwrite': 'true',
    'x-cos-by-hand': 'header'
  })
  const got = await run(getObject({ bucket, ...A.collapsing }))
  t.equal(await A.textOf(got.body), 'one two three')
  t.match(got, { etag: output.etag, crc64: O.some(sum), sse: O.some({ type: 'COS' }) })
  t.same((await run(listMultipartUploads({ bucket }))).uploads, [], 'and the upload is over')
})

t.test('the result has the response of a callback and the result of picture processing', async (t) => {
  const callback = {
    callbackUrl: 'https://a.example/',
    callbackHost: 'c.example',
    callbackBody: 'b=${bucket}',
    callbackBodyType: 'application/json'
  }
  const input = { ...at, uploadId: 'id', parts: [{ partNumber: 1, etag: 'a' }] }
  const callbackResponse = '{"from":"the callback"}'
  const headers = { etag: '"a-1"', 'x-cos-hash-crc64ecma': '7' }
  const { run, runFailing, headersOf } = await A.startFixture(t, {
    fault: ({ count }) => ({
      response: { status: 200, body: callbackResponse, ...(count === 1 ? { headers } : {}) }
    })
  })
  const output = await run(completing({ ...input, callback, callbackVar: { 'x:a': '1' } }))
  t.match(output, {
    etag: '"a-1"',
    crc64: O.some(7n),
    response: O.some(callbackResponse),
    bucket,
    key: 'a.txt',
    location: O.none
  })
  const json = (name: string): unknown =>
    JSON.parse(Buffer.from(headersOf('CompleteMultipartUpload')[name] ?? '', 'base64').toString())
  t.same(json('x-cos-callback'), callback)
  t.same(json('x-cos-callback-var'), { 'x:a': '1' })
  t.match(
    await runFailing(completeMultipartUpload({ ...input, callback })),
    { _tag: 'DecodeError' },
    'no ETag'
  )

  const root = 'CompleteMultipartUploadResult'
  const body = `<${root}><ETag>"b-1"</ETag><ProcessResults/></${root}>`
  const pictures = await A.startFixture(t, { fault: () => ({ response: { status: 200, body } }) })
  t.match(await pictures.run(completing({ ...input, picOperations: { is_pic_info: 1 } })), {
    etag: '"b-1"',
    response: O.some(body)
  })
  t.equal(pictures.headersOf('CompleteMultipartUpload')['pic-operations'], '{"is_pic_info":1}')
})

t.test('every parameter is covered', async (t) => t.same(uncovered(), []))

t.test('the version id is returned, and is null while versioning is suspended', async (t) => {
  for (const [bucket, versionId] of [
    [A.versioned, O.some(/^.{20,}$/)],
    [A.suspended, O.some('null')]
  ] as const) {
    const { run, uploadId, parts } = await begun(t, ['a'], {}, { bucket, key: 'a' })
    t.match(await run(completeMultipartUpload({ bucket, key: 'a', uploadId, parts })), { versionId })
  }
})

t.test('white space before the document is skipped', async (t) => {
  const fault = { keepAlive: { bytes: 40, pause: 1 }, dribble: { size: 50, pause: 1 } }
  const { run, uploadId, parts } = await begun(t, ['a'], {
    fault: ({ operation }) => (operation === 'CompleteMultipartUpload' ? fault : undefined)
  })
  t.match(await run(completeMultipartUpload({ ...at, uploadId, parts })), { etag: /-1"$/ })
  t.match(await run(headObject(at)), { size: 1 })
})

t.test('a completion without a checksum header is a success without a checksum', async (t) => {
  const headers = { 'x-cos-hash-crc64ecma': null }
  const { run, uploadId, parts } = await begun(t, ['a'], {
    fault: ({ operation }) => (operation === 'CompleteMultipartUpload' ? { headers } : undefined)
  })
  t.match(await run(completeMultipartUpload({ ...at, uploadId, parts })), { crc64: O.none })
})

t.test('COS refuses invalid completions, and the upload stays open', async (t) => {
  const mib = Buffer.alloc(1024 * 1024)
  const { run, runFailing, uploadId, parts } = await begun(t, [mib.subarray(1), 'b'])
  const expectRefusal = async (
    input: Partial<CompleteMultipartUploadInput>,
    status: number,
    code: string
  ) => {
    const error = await runFailing(completeMultipartUpload({ ...at, uploadId, parts, ...input }))
    t.match(error, { _tag: 'ServiceError', status, code, context: { attempts: 1 } }, code)
  }
  const [one, two] = parts
  await expectRefusal({ bucket: A.nowhere }, 404, 'NoSuchBucket')
  await expectRefusal({ uploadId: 'never' }, 404, 'NoSuchUpload')
  await expectRefusal({ key: 'another' }, 404, 'NoSuchUpload')
  await expectRefusal({}, 400, 'EntityTooSmall')
  await expectRefusal({ parts: [one!, { partNumber: 2, etag: one!.etag }] }, 400, 'InvalidPart')
  await expectRefusal({ parts: [one!, two!, { partNumber: 3, etag: 'a' }] }, 400, 'InvalidPart')
  await expectRefusal({ headers: { 'content-md5': 'nonsense' } }, 400, 'InvalidDigest')
  await expectRefusal({ callback: 'aGVsbG8=' }, 501, 'NotImplemented')
  await run(putObject({ ...at, body: 'there' }))
  await expectRefusal({ forbidOverwrite: true }, 409, 'FileAlreadyExists')

  await run(uploadPart({ ...at, uploadId, partNumber: 1, body: mib }))
  await expectRefusal({}, 400, 'InvalidPart')
  const anew = await run(uploadPart({ ...at, uploadId, partNumber: 1, body: mib }))
  await run(completeMultipartUpload({ ...at, uploadId, parts: [anew, two!] }))
  t.match(await run(headObject(at)), { size: 1024 * 1024 + 1 })
  await expectRefusal({}, 404, 'NoSuchUpload')

  const other = await begun(t, ['a'])
  await other.run(abortMultipartUpload({ ...at, uploadId: other.uploadId }))
  t.match(
    await other.runFailing(completeMultipartUpload({ ...at, uploadId: other.uploadId, parts: other.parts })),
    {
      status: 404,
      code: 'NoSuchUpload'
    }
  )
})

const input = { ...at, uploadId: 'id', parts: [{ partNumber: 1, etag: 'a' }] }

t.test('invalid part lists are an InvalidInput with the path of the part, and nothing is sent', (t) => {
  const part = (partNumber: number, etag = 'a') => ({ partNumber, etag })
  return expectInvalidInput(t, [
    ['uploadId', completeMultipartUpload({ ...input, uploadId: '' })],
    ['parts', completeMultipartUpload({ ...input, parts: [] })],
    ['parts.1.partNumber', completeMultipartUpload({ ...input, parts: [part(1), part(3)] })],
    ['parts.0.partNumber', completeMultipartUpload({ ...input, parts: [part(2)] })],
    ['parts.1.partNumber', completeMultipartUpload({ ...input, parts: [part(1), part(1)] })],
    ['parts.0.partNumber', completeMultipartUpload({ ...input, parts: [part(0)] })],
    ['parts.0.etag', completeMultipartUpload({ ...input, parts: [part(1, '')] })],
    ['callback', completeMultipartUpload({ ...input, callback: 'no base64!' })],
    ['key', completeMultipartUpload({ ...input, key: 'a/..' })]
  ])
})

t.test('an error or a cut document inside a 200 is a failure', (t) =>
  failedInside200(t, completeMultipartUpload(input), 'CompleteMultipartUploadResult')
)

refusals(completeMultipartUpload(input))
