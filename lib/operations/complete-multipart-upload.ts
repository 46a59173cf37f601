/** Complete Multipart Upload: the parts become the object. */
import { Readable } from 'node:stream'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as t from 'io-ts'
import * as D from '../core/decoder.js'
import type { CosError } from '../core/error.js'
import * as In from '../core/input.js'
import { withoutLeadingSlash } from '../core/key.js'
import { MiB } from '../core/limits.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import type { Response } from '../core/response.js'
import * as W from '../core/wire.js'
import type { Xml } from '../core/xml.js'
import {
  responseMetadata,
  encryptionInfo,
  perhaps,
  Text,
  type ResponseMetadata,
  type EncryptionInfo
} from './responses/metadata.js'
import { uploadCallback, uploadCallbackHeaders, type UploadCallback } from './parameters/callback.js'
import { ETag } from './parameters/conditions.js'
import { crossChecked, type Disagreement } from './parameters/validation.js'
import { storageOptions, storageHeaders, type StorageOptions } from './parameters/storage.js'
import { PartNumber, UploadId } from './parameters/versions.js'

// -- input --
export interface CompletedPart {
  /** 1 to 10,000. */
  readonly partNumber: number
  /** As `uploadPart` gave it, or without its quotes. */
  readonly etag: string
}

export interface CompleteMultipartUploadInput
  extends R.ObjectRef, UploadCallback, Pick<StorageOptions, 'forbidOverwrite'> {
  readonly uploadId: string
  /** Every part, in any order: 1 to 10,000 of them, numbered from 1 without a gap. Answers of `uploadPart` will do. */
  readonly parts: ReadonlyArray<CompletedPart>
}

const PartFields = In.struct<CompletedPart>('a part, { partNumber, etag }', {
  partNumber: PartNumber,
  etag: In.refined(ETag, 'the ETag of a part', (etag) => etag !== '*')
})

// More than these two fields may be there, since both must be: no misspelling goes unseen.
const Part: t.Type<CompletedPart, CompletedPart, unknown> = new t.Type(
  PartFields.name,
  (u): u is CompletedPart => E.isRight(PartFields.decode(u)),
  (u, context) =>
    t.UnknownRecord.is(u)
      ? PartFields.validate({ partNumber: u['partNumber'], etag: u['etag'] }, context)
      : t.failure(u, context),
  t.identity
)

const ascending = (parts: ReadonlyArray<CompletedPart>): ReadonlyArray<CompletedPart> =>
  parts.toSorted((a, b) => a.partNumber - b.partNumber)

/** COS would say `InvalidPart` or `InvalidPartOrder`, after all the bytes went up, and not of which part. */
const outOfLine = ({ parts }: CompleteMultipartUploadInput): O.Option<Disagreement> => {
  const sorted = ascending(parts)
  const at = sorted.findIndex((part, n) => part.partNumber !== n + 1)
  const wrong = sorted[at]
  if (wrong === undefined) return O.none
  const twice = wrong.partNumber === at
  return O.some({
    // Sorting is stable: of two that are the same it is the later one.
    field: `parts.${String(parts.indexOf(wrong))}.partNumber`,
    expected: twice
      ? `a number of its own: another part has ${String(at)}`
      : `${String(at + 1)}, as parts are numbered from 1 without a gap`
  })
}

const Input = crossChecked(
  In.struct<CompleteMultipartUploadInput>('CompleteMultipartUploadInput', {
    ...R.objectRef,
    ...uploadCallback,
    forbidOverwrite: storageOptions.forbidOverwrite,
    uploadId: UploadId,
    parts: In.refined(
      t.readonlyArray(Part),
      '1 to 10,000 parts',
      ({ length }) => length >= 1 && length <= 10_000
    )
  }),
  outOfLine
)

// -- request --
const partXml = ({ partNumber, etag }: CompletedPart): Xml => [
  'Part',
  [
    ['PartNumber', String(partNumber)],
    ['ETag', etag]
  ]
]

const request = (input: CompleteMultipartUploadInput): R.Request =>
  pipe(
    R.post(input),
    R.withQuery({ uploadId: input.uploadId }),
    R.withHeaders({ ...storageHeaders(input), ...uploadCallbackHeaders(input) }),
    R.withXml(['CompleteMultipartUpload', ascending(input.parts).map(partXml)]),
    R.withSlowHeaders
  )

// -- output --
export interface CompleteMultipartUploadResult extends ResponseMetadata {
  readonly bucket: string
  readonly key: string
  /** Opaque, quotes included; neither an MD5 nor made of the parts' ETags. */
  readonly etag: string
  /** As COS wrote it, with a scheme or without one, the key in it encoded or not. */
  readonly location: O.Option<string>
  /** Of the whole object, unsigned; none where a part had none, or where the merge took longer than the headers. */
  readonly crc64: O.Option<bigint>
  /** `null` where versioning is suspended; none where it was never on. */
  readonly versionId: O.Option<string>
  readonly sse: O.Option<EncryptionInfo>
  /** What a callback's server answered, or what became of a picture, as text; none of any other completion. */
  readonly answer: O.Option<string>
}

const root = 'CompleteMultipartUploadResult'

// The ETag alone says that it was done. What cannot be read beside it must not make a failure of it.
const Fields = t.type({
  ETag: Text,
  Location: perhaps(Text),
  Bucket: perhaps(Text),
  Key: perhaps(Text),
  VersionId: perhaps(Text)
})
type Fields = t.TypeOf<typeof Fields>

const answerLimit = MiB

/** With a callback the document is COS's no more, but whatever the caller's server said. The headers are still COS's. */
const fromCallback =
  (response: Response) =>
  (error: CosError): E.Either<CosError, Fields> =>
    error._tag === 'ServiceError'
      ? E.left(error)
      : pipe(
          W.decodeWith(Text)(response.headers['etag']),
          E.bimap(
            () =>
              D.decodeError(response, [
                'the upload is complete, but the answer of its callback names no ETag: ask headObject'
              ]),
            (ETag) => ({ ETag, Location: O.none, Bucket: O.none, Key: O.none, VersionId: O.none })
          )
        )

const read =
  (input: CompleteMultipartUploadInput): D.Decoder<Fields & { readonly answer: O.Option<string> }> =>
  (response) => {
    if (input.callback === undefined && input.picOperations === undefined) {
      return pipe(
        D.fromXml(root, Fields)(response),
        TE.map((fields) => ({ ...fields, answer: O.none }))
      )
    }
    return pipe(
      D.readBytes(answerLimit)(response),
      TE.chain((bytes) =>
        pipe(
          D.fromXml(root, Fields)({ ...response, body: Readable.from([bytes]) }),
          TE.orElse((error) =>
            TE.fromEither(input.callback === undefined ? E.left(error) : fromCallback(response)(error))
          ),
          TE.map((fields) => ({ ...fields, answer: O.some(Buffer.from(bytes).toString('utf8').trim()) }))
        )
      )
    )
  }

const decode =
  (input: CompleteMultipartUploadInput): D.Decoder<CompleteMultipartUploadResult> =>
  (response) =>
    pipe(
      read(input)(response),
      TE.map((fields) => ({
        ...responseMetadata(response),
        bucket: O.getOrElse(() => input.bucket)(fields.Bucket),
        key: O.getOrElse(() => withoutLeadingSlash(input.key))(fields.Key),
        etag: fields.ETag,
        location: fields.Location,
        crc64: O.fromEither(W.Crc64.decode(response.headers['x-cos-hash-crc64ecma'])),
        versionId: pipe(
          O.fromNullable(response.headers['x-cos-version-id']),
          O.alt(() => fields.VersionId),
          O.filter((id) => id !== '')
        ),
        sse: encryptionInfo(response.headers),
        answer: fields.answer
      }))
    )

// -- operation --
/**
 * Makes an object of the parts that were uploaded. It may take minutes, during which COS sends white space.
 *
 * The status comes before the outcome: a failure may have status 200. A completion that is sent twice, because the
 * answer to the first was lost, is refused with `NoSuchUpload` where the first succeeded.
 *
 * @shape  `CompleteMultipartUploadInput -> Operation<CompleteMultipartUploadResult>`
 * @units  parts of at least 1 MiB each, but for the last
 * @errors `InvalidInput`, of a part as `parts.3.partNumber`; `ServiceError` 400 `EntityTooSmall` or `InvalidPart`, 404
 *         `NoSuchUpload`, 409 `PathConflict` or `FileAlreadyExists`, and of status 200 where COS failed half way;
 *         `DecodeError` without an ETag; `TransportError` where the answer was cut short, or nothing but white space
 * @source https://cloud.tencent.com/document/product/436/7742
 * @example completeMultipartUpload({ bucket, key, uploadId, parts: [{ partNumber: 1, etag: '"5eb63bbb..."' }] })
 */
export const completeMultipartUpload: (
  input: CompleteMultipartUploadInput
) => Op.Operation<CompleteMultipartUploadResult> = Op.operationWith(
  'CompleteMultipartUpload',
  Input,
  request,
  decode
)
