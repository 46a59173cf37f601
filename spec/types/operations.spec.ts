/** The types of operations. tsc checks them; tap checks that the values agree. */
import type { Readable } from 'node:stream'
import * as E from 'fp-ts/lib/Either.js'
import type { IO } from 'fp-ts/lib/IO.js'
import type { Option } from 'fp-ts/lib/Option.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import t from 'tap'
import type { CosError, InvalidInput } from '../../lib/core/error.js'
import type { SelectStats } from '../../lib/core/event-stream.js'
import type { Integrity } from '../../lib/core/integrity.js'
import type { Operation } from '../../lib/core/operation.js'
import type { Request } from '../../lib/core/request.js'
import type { Response } from '../../lib/core/response.js'
import {
  copyObject,
  createMultipartUpload,
  deleteObject,
  deleteObjects,
  getObject,
  headObject,
  objectExists,
  putObject,
  restoreObject,
  selectObjectContent,
  uploadPart,
  uploadPartCopy,
  type DeleteResult
} from '../../lib/index.js'
import { at } from '../support/operations.js'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
/** Compiles where the two are one type. */
const isSame = <A, B>(same: Equal<A, B>): boolean => same

type ResultOf<F extends (input: never) => unknown> = ReturnType<F> extends Operation<infer A> ? A : never

const refusedToo = (operation: Operation<unknown>): boolean => E.isLeft(operation.request)

const copySource = { bucket: at.bucket, region: 'ap-guangzhou', key: 'a' }
const part = { ...at, uploadId: 'id', partNumber: 1 }
const query = {
  ...at,
  expression: 'SELECT * FROM COSObject',
  inputSerialization: { csv: {} },
  outputSerialization: { csv: {} }
}

t.test('an operation has a request that may be InvalidInput, and a decoder with typed errors', async (t) => {
  type Head = Operation<ResultOf<typeof headObject>>
  t.ok(isSame<Head['request'], E.Either<InvalidInput, Request>>(true))
  t.ok(
    isSame<Head['decode'], (response: Response) => TaskEither<CosError, ResultOf<typeof headObject>>>(true)
  )
})

t.test('results are numbers, dates and bigints, and an absent value is an Option', async (t) => {
  type Head = ResultOf<typeof headObject>
  t.ok(isSame<Head['size'], number>(true))
  t.ok(isSame<Head['lastModified'], Option<Date>>(true))
  t.ok(isSame<Head['crc64'], Option<bigint>>(true))
  t.ok(isSame<Head['versionId'], Option<string>>(true))
  t.ok(isSame<Head['metadata'], Readonly<Record<string, string>>>(true))
  t.ok(isSame<Head['headers'], Readonly<Record<string, string>>>(true))

  type Got = ResultOf<typeof getObject>
  t.ok(isSame<Got['body'], Readable>(true))
  t.ok(isSame<Got['size'], Option<number>>(true))
  t.ok(isSame<Got['verified'], TaskEither<CosError, Integrity>>(true))

  t.ok(isSame<ResultOf<typeof putObject>['integrity'], Integrity>(true))
  t.ok(isSame<ResultOf<typeof uploadPart>['partNumber'], number>(true))
  t.ok(isSame<ResultOf<typeof uploadPartCopy>['etag'], string>(true))
  t.ok(isSame<ResultOf<typeof copyObject>['lastModified'], Option<Date>>(true))
  t.ok(isSame<ResultOf<typeof createMultipartUpload>['uploadId'], string>(true))
  t.ok(isSame<ResultOf<typeof deleteObject>['deleteMarker'], boolean>(true))
  t.ok(isSame<ResultOf<typeof deleteObjects>['results'], ReadonlyArray<DeleteResult>>(true))
  t.ok(isSame<ResultOf<typeof restoreObject>['alreadyRestored'], boolean>(true))
  t.ok(isSame<ResultOf<typeof objectExists>, boolean>(true))

  type Selected = ResultOf<typeof selectObjectContent>
  t.ok(isSame<Selected['records'], Readable>(true))
  t.ok(isSame<Selected['progress'], IO<Option<SelectStats>>>(true))
  t.ok(isSame<Selected['stats'], TaskEither<CosError, Option<SelectStats>>>(true))
})

t.test('only a failed deletion has a code', async (t) => {
  const toLine = (result: DeleteResult): string => {
    // @ts-expect-error -- only a look at the tag says whether there is one
    const code: unknown = result.code
    return result._tag === 'Error' ? `${result.code}: ${result.message}` : String(code)
  }
  t.type(toLine, 'function')
})

t.test('required fields must be given, and others may be omitted', async (t) => {
  for (const operation of [headObject, getObject, objectExists, deleteObject, createMultipartUpload]) {
    t.notOk(refusedToo(operation(at)))
  }
  // @ts-expect-error -- an object has a key
  t.ok(refusedToo(headObject({ bucket: at.bucket })))
  // @ts-expect-error -- no body
  t.ok(refusedToo(putObject(at)))
  // @ts-expect-error -- no part's number
  t.ok(refusedToo(uploadPart({ ...at, uploadId: 'id', body: '' })))
  // @ts-expect-error -- no source
  t.ok(refusedToo(copyObject(at)))
  // @ts-expect-error -- no days
  t.ok(refusedToo(restoreObject(at)))
  // @ts-expect-error -- no objects
  t.ok(refusedToo(deleteObjects({ bucket: at.bucket })))
  // @ts-expect-error -- no layout of the results
  t.ok(refusedToo(selectObjectContent({ ...at, expression: 'SELECT 1', inputSerialization: { csv: {} } })))
})

t.test('an unknown field is a type error and an InvalidInput', async (t) => {
  // @ts-expect-error -- spelt versionId
  t.ok(refusedToo(headObject({ ...at, versionID: 'a' })))
  // @ts-expect-error -- GET is where a range is read
  t.ok(refusedToo(headObject({ ...at, range: { first: 0 } })))
  // @ts-expect-error -- parts have no metadata
  t.ok(refusedToo(uploadPart({ ...part, body: '', contentType: 'text/plain' })))
  // @ts-expect-error -- spelt key
  t.ok(refusedToo(deleteObjects({ bucket: at.bucket, objects: [{ Key: 'a' }] })))
})

t.test('a range has one form', async (t) => {
  t.notOk(refusedToo(getObject({ ...at, range: { first: 0 } })))
  t.notOk(refusedToo(getObject({ ...at, range: { first: 0, last: 9 } })))
  t.notOk(refusedToo(getObject({ ...at, range: { suffix: 9 } })))
  // @ts-expect-error -- from the start or from the end, not both
  t.ok(refusedToo(getObject({ ...at, range: { first: 0, suffix: 9 } })))
  // @ts-expect-error -- an end without a beginning
  t.ok(refusedToo(getObject({ ...at, range: { last: 9 } })))
  // @ts-expect-error -- not the header's text
  t.ok(refusedToo(getObject({ ...at, range: 'bytes=0-9' })))
  // @ts-expect-error -- a part's source has both its ends
  t.ok(refusedToo(uploadPartCopy({ ...part, copySource, copySourceRange: { first: 0 } })))
})

t.test('dates are Date values, and sizes and limits numbers', async (t) => {
  // @ts-expect-error -- a text is no Date or number
  t.ok(refusedToo(headObject({ ...at, ifModifiedSince: 'Wed, 01 May 2024 08:31:00 GMT' })))
  // @ts-expect-error -- a text, as COS's Python SDK has it
  t.ok(refusedToo(getObject({ ...at, trafficLimit: '819200' })))
  // @ts-expect-error -- a text, as COS's Python SDK has it
  t.ok(refusedToo(putObject({ ...at, body: 'a', contentLength: '1' })))
  // @ts-expect-error -- a text is no Date or number
  t.ok(refusedToo(uploadPart({ ...part, partNumber: '1', body: '' })))
})

t.test('encryption is one of three forms, and only two of them take a key', async (t) => {
  const key = new Uint8Array(32)
  t.notOk(refusedToo(putObject({ ...at, body: '', sse: { type: 'C', key } })))
  // @ts-expect-error -- COS's own keys are not the caller's
  t.ok(refusedToo(putObject({ ...at, body: '', sse: { type: 'COS', key } })))
  // @ts-expect-error -- the caller's own key is missing
  t.ok(refusedToo(putObject({ ...at, body: '', sse: { type: 'C' } })))
  // @ts-expect-error -- bytes, not their base64
  t.ok(refusedToo(putObject({ ...at, body: '', sse: { type: 'C', key: 'MDEy' } })))
  // @ts-expect-error -- a read takes the caller's own key alone
  t.ok(refusedToo(getObject({ ...at, sse: { type: 'KMS' } })))
})

t.test('storage classes and ACLs are the known values or any text', async (t) => {
  t.notOk(refusedToo(putObject({ ...at, body: '', storageClass: 'DEEP_ARCHIVE', acl: 'public-read' })))
  t.notOk(refusedToo(putObject({ ...at, body: '', storageClass: 'NEXT_YEARS', acl: 'next-years' })))
  // @ts-expect-error -- of directives there are two, and S3's spelling is neither
  t.ok(refusedToo(copyObject({ ...at, copySource, copyStatus: 'REPLACE' })))
  // @ts-expect-error -- of tiers there are three
  t.ok(refusedToo(restoreObject({ ...at, days: 1, tier: 'Fast' })))
})

t.test('a Select has one input format and one output format', async (t) => {
  t.notOk(refusedToo(selectObjectContent(query)))
  t.notOk(refusedToo(selectObjectContent({ ...query, inputSerialization: { parquet: {} } })))
  const lines = { type: 'LINES' } as const
  // @ts-expect-error -- two layouts
  t.ok(refusedToo(selectObjectContent({ ...query, inputSerialization: { csv: {}, json: lines } })))
  // @ts-expect-error -- no layout at all
  t.ok(refusedToo(selectObjectContent({ ...query, inputSerialization: { compressionType: 'GZIP' } })))
  // @ts-expect-error -- JSON has a type
  t.ok(refusedToo(selectObjectContent({ ...query, inputSerialization: { json: {} } })))
  const squeezed = { parquet: {}, compressionType: 'GZIP' } as const
  // @ts-expect-error -- Parquet is compressed within itself
  t.ok(refusedToo(selectObjectContent({ ...query, inputSerialization: squeezed })))
  // @ts-expect-error -- results are not written as Parquet
  t.ok(refusedToo(selectObjectContent({ ...query, outputSerialization: { parquet: {} } })))
  // @ts-expect-error -- true or false, not COS's text
  t.ok(refusedToo(selectObjectContent({ ...query, requestProgress: { enabled: 'TRUE' } })))
})
