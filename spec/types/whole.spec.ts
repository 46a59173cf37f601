/** The types of all seventeen operations and of the streams: inputs, results and errors. */
import type { Writable } from 'node:stream'
import * as E from 'fp-ts/lib/Either.js'
import type { Reader } from 'fp-ts/lib/Reader.js'
import type { ReaderTaskEither } from 'fp-ts/lib/ReaderTaskEither.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { Option } from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import tap from 'tap'
import * as C from '../../lib/index.js'
import type { Response } from '../../lib/core/response.js'
import type { ListedPart } from '../../lib/operations/list-parts.js'
import type { CancelableIterator } from '../../lib/stages/cancelable.js'
import { at } from '../support/operations.js'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
/** Compiles where the two are one type. */
const isSame = <A, B>(same: Equal<A, B>): boolean => same

/** Compiles where the value is of that type, no more and no less. */
const isOf =
  <B>() =>
  <A>(_value: A, same: Equal<A, B>): boolean =>
    same

/** A function of one input to one operation. */
type Asks<I, A> = (input: I) => C.Operation<A>

const refusedToo = (operation: C.Operation<unknown>): boolean => E.isLeft(operation.request)

tap.test('each operation has one input type and one result type', async (tap) => {
  tap.ok(isSame<typeof C.listObjects, Asks<C.ListObjectsInput, C.ObjectPage>>(true))
  tap.ok(isSame<typeof C.listObjectVersions, Asks<C.ListObjectVersionsInput, C.ObjectVersionPage>>(true))
  tap.ok(isSame<typeof C.putObject, Asks<C.PutObjectInput, C.PutObjectResult>>(true))
  tap.ok(isSame<typeof C.headObject, Asks<C.HeadObjectInput, C.ObjectHead>>(true))
  tap.ok(isSame<typeof C.getObject, Asks<C.GetObjectInput, C.GetObjectResult>>(true))
  tap.ok(isSame<typeof C.copyObject, Asks<C.CopyObjectInput, C.CopyObjectResult>>(true))
  tap.ok(isSame<typeof C.deleteObject, Asks<C.DeleteObjectInput, C.DeleteObjectResult>>(true))
  tap.ok(isSame<typeof C.deleteObjects, Asks<C.DeleteObjectsInput, C.DeleteObjectsResult>>(true))
  tap.ok(isSame<typeof C.restoreObject, Asks<C.RestoreObjectInput, C.RestoreObjectResult>>(true))
  tap.ok(
    isSame<typeof C.selectObjectContent, Asks<C.SelectObjectContentInput, C.SelectObjectContentResult>>(true)
  )
  tap.ok(
    isSame<typeof C.listMultipartUploads, Asks<C.ListMultipartUploadsInput, C.MultipartUploadPage>>(true)
  )
  tap.ok(
    isSame<typeof C.createMultipartUpload, Asks<C.CreateMultipartUploadInput, C.CreateMultipartUploadResult>>(
      true
    )
  )
  tap.ok(isSame<typeof C.uploadPart, Asks<C.UploadPartInput, C.UploadPartResult>>(true))
  tap.ok(isSame<typeof C.uploadPartCopy, Asks<C.UploadPartCopyInput, C.UploadPartCopyResult>>(true))
  tap.ok(isSame<typeof C.listParts, Asks<C.ListPartsInput, C.PartPage>>(true))
  tap.ok(
    isSame<
      typeof C.completeMultipartUpload,
      Asks<C.CompleteMultipartUploadInput, C.CompleteMultipartUploadResult>
    >(true)
  )
  tap.ok(
    isSame<typeof C.abortMultipartUpload, Asks<C.AbortMultipartUploadInput, C.AbortMultipartUploadResult>>(
      true
    )
  )
})

tap.test('errors are typed at each level', async (tap) => {
  type Known =
    | C.InvalidInput
    | C.ServiceError
    | C.DecodeError
    | C.SizeLimitExceeded
    | C.TransportError
    | C.Timeout
    | C.Aborted
    | C.IntegrityError
    | C.ObjectChanged
    | C.SourceError
    | C.FileError
    | C.CredentialsError
    | C.MissingPackage
    | C.EncryptionError
  tap.ok(isSame<C.CosError, Known>(true))
  const sendOperation = <A>(operation: C.Operation<A>): ReaderTaskEither<C.Client, C.CosError, A> =>
    C.send(operation)
  tap.type(sendOperation, 'function')
  tap.ok(isSame<C.CosEffect<number>, ReaderTaskEither<C.Client, C.CosError, number>>(true))
  tap.ok(isSame<C.Operation<number>['request'], E.Either<C.InvalidInput, C.Request>>(true))
  tap.ok(isSame<C.Operation<number>['decode'], (response: Response) => TaskEither<C.CosError, number>>(true))
  const output = (error: C.CosError): string => {
    // @ts-expect-error -- not every failure is COS's: only a look at the tag says whether there is a status
    const status: unknown = error.status
    return error._tag === 'ServiceError' ? `${String(error.status)} ${error.code}` : String(status)
  }
  tap.type(output, 'function')
})

tap.test(
  'results of listings and uploads are numbers, dates and bigints, or Options of them',
  async (tap) => {
    tap.ok(isSame<C.ObjectPage['contents'], ReadonlyArray<C.ObjectEntry>>(true))
    tap.ok(isSame<C.ObjectPage['isTruncated'], boolean>(true))
    tap.ok(isSame<C.ObjectPage['nextMarker'], Option<string>>(true))
    tap.ok(isSame<C.ObjectEntry['lastModified'], Date>(true))
    tap.ok(isSame<C.ObjectEntry['size'], number>(true))
    tap.ok(isSame<C.ObjectVersionPage['entries'], ReadonlyArray<C.VersionEntry>>(true))
    tap.ok(isSame<C.VersionEntry, C.ObjectVersion | C.DeleteMarker>(true))
    tap.ok(isSame<C.MultipartUploadPage['uploads'], ReadonlyArray<C.UploadEntry>>(true))
    tap.ok(isSame<C.UploadEntry['initiated'], Option<Date>>(true))
    tap.ok(isSame<C.PartPage['parts'], ReadonlyArray<C.PartEntry>>(true))
    tap.ok(isSame<C.PartEntry['partNumber'], number>(true))
    tap.ok(isSame<C.CompleteMultipartUploadResult['etag'], string>(true))
    tap.ok(isSame<C.CompleteMultipartUploadResult['crc64'], Option<bigint>>(true))
    tap.ok(isSame<C.AbortMultipartUploadResult, C.ResponseMetadata>(true))
    const sizeOf = (entry: C.VersionEntry): number => {
      // @ts-expect-error -- a delete marker has none
      const size: unknown = entry.size
      return entry._tag === 'Version' ? entry.size : Number(size)
    }
    tap.type(sizeOf, 'function')
  }
)

const { bucket } = at
const part = { partNumber: 1, etag: '"a"' }

tap.test('an invalid listing input does not compile, and is an InvalidInput', async (tap) => {
  tap.notOk(refusedToo(C.listObjects({ bucket, prefix: 'a', delimiter: '/', maxKeys: 1, marker: 'b' })))
  // @ts-expect-error -- a bucket is missing
  tap.ok(refusedToo(C.listObjects({})))
  // @ts-expect-error -- a number, not text as in COS's Python SDK
  tap.ok(refusedToo(C.listObjects({ bucket, maxKeys: '1' })))
  // @ts-expect-error -- keyMarker is of versions
  tap.ok(refusedToo(C.listObjects({ bucket, keyMarker: 'a' })))
  // @ts-expect-error -- the one encoding there is
  tap.ok(refusedToo(C.listObjects({ bucket, encodingType: 'base64' })))
  // @ts-expect-error -- a listing is of no key
  tap.ok(refusedToo(C.listObjectVersions({ bucket, key: 'a' })))
  // @ts-expect-error -- marker is of objects
  tap.ok(refusedToo(C.listObjectVersions({ bucket, marker: 'a' })))
  // @ts-expect-error -- of uploads it is maxUploads
  tap.ok(refusedToo(C.listMultipartUploads({ bucket, maxKeys: 1 })))
  // @ts-expect-error -- text, and no number
  tap.ok(refusedToo(C.listMultipartUploads({ bucket, prefix: 1 })))
  // @ts-expect-error -- an upload is missing
  tap.ok(refusedToo(C.listParts(at)))
  // @ts-expect-error -- a number, not text as in COS's Python SDK
  tap.ok(refusedToo(C.listParts({ ...at, uploadId: 'id', partNumberMarker: '1' })))
  // @ts-expect-error -- an upload has one key
  tap.ok(refusedToo(C.listParts({ ...at, uploadId: 'id', prefix: 'a' })))
})

tap.test('an invalid upload input does not compile, and is an InvalidInput', async (tap) => {
  const upload = { ...at, uploadId: 'id' }
  tap.notOk(refusedToo(C.completeMultipartUpload({ ...upload, parts: [part] })))
  // @ts-expect-error -- an upload's class is text
  tap.ok(refusedToo(C.createMultipartUpload({ ...at, storageClass: 1 })))
  // @ts-expect-error -- bytes come with the parts
  tap.ok(refusedToo(C.createMultipartUpload({ ...at, body: '' })))
  // @ts-expect-error -- names and values
  tap.ok(refusedToo(C.createMultipartUpload({ ...at, metadata: ['a'] })))
  // @ts-expect-error -- parts are missing
  tap.ok(refusedToo(C.completeMultipartUpload(upload)))
  // @ts-expect-error -- a part has an ETag
  tap.ok(refusedToo(C.completeMultipartUpload({ ...upload, parts: [{ partNumber: 1 }] })))
  // @ts-expect-error -- a number, not text as in COS's Python SDK
  tap.ok(refusedToo(C.completeMultipartUpload({ ...upload, parts: [{ ...part, partNumber: '1' }] })))
  // @ts-expect-error -- the storage class is set when the upload is created
  tap.ok(refusedToo(C.completeMultipartUpload({ ...upload, parts: [part], storageClass: 'ARCHIVE' })))
  // @ts-expect-error -- an upload is missing
  tap.ok(refusedToo(C.abortMultipartUpload(at)))
  // @ts-expect-error -- spelt uploadId
  tap.ok(refusedToo(C.abortMultipartUpload({ ...upload, UploadId: 'id' })))
  // @ts-expect-error -- the source of a part
  tap.ok(refusedToo(C.uploadPartCopy({ ...upload, partNumber: 1 })))
  // @ts-expect-error -- a version is one
  tap.ok(refusedToo(C.deleteObject({ ...at, versionId: 1 })))
})

tap.test('stages have typed inputs and outputs', async (tap) => {
  const { streamObjects, streamObjectVersions, streamMultipartUploads, streamParts } = C
  const level = streamObjects({ bucket, delimiter: '/' })
  tap.ok(isOf<C.EffectStream<C.ListedObject>>()(streamObjects({ bucket }), true))
  tap.ok(isOf<C.EffectStream<C.ListedObject | C.ListedPrefix>>()(level, true))
  tap.ok(isOf<C.EffectStream<C.ListedVersion>>()(streamObjectVersions({ bucket }), true))
  tap.ok(isOf<C.EffectStream<C.ListedUpload>>()(streamMultipartUploads({ bucket }), true))
  tap.ok(isOf<C.EffectStream<ListedPart>>()(streamParts({ ...at, uploadId: 'id' }), true))
  tap.ok(isSame<C.EffectStream<number>, Reader<C.Client, AsyncIterable<number>>>(true))
  tap.ok(isSame<ReturnType<typeof C.collect<number>>, C.CosEffect<ReadonlyArray<number>>>(true))

  tap.ok(isSame<ReturnType<typeof C.deletePrefix>, C.EffectStream<C.DeleteKeysResult>>(true))
  tap.ok(isSame<ReturnType<ReturnType<typeof C.uploadStream>>, C.CosEffect<C.UploadResult>>(true))
  tap.ok(isSame<ReturnType<typeof C.downloadStream>, C.CosEffect<C.DownloadResult>>(true))
  const isWritable: C.UploadWritable extends Writable ? true : false = true
  tap.ok(isWritable)

  // @ts-expect-error -- a stream decodes its keys
  tap.type(streamObjects({ bucket, encodingType: 'url' }), 'function')
  // @ts-expect-error -- a cursor is an entry's
  tap.type(streamObjects({ bucket, cursor: 'a' }), 'function')
  // @ts-expect-error -- spelt prefix
  tap.type(streamObjectVersions({ bucket, Prefix: 'a' }), 'function')
  // @ts-expect-error -- an upload is missing
  tap.type(streamParts(at), 'function')
  // @ts-expect-error -- bytes, not texts
  tap.type(() => C.uploadStream(at)(['a']), 'function')
})

tap.test('the rows of a Select have the type of their codec', async (tap) => {
  const rows = C.selectRows(t.type({ id: t.number, name: t.string }))
  const read = (selected: C.SelectObjectContentResult): CancelableIterator<{ id: number; name: string }> => {
    const { rows: cancelableRows } = rows(selected)
    // @ts-expect-error -- a row has no other column
    const wrong: CancelableIterator<{ age: number }> = cancelableRows
    return isOf<CancelableIterator<{ id: number; name: string }>>()(cancelableRows, true)
      ? cancelableRows
      : (wrong as never)
  }
  tap.type(read, 'function')
})
