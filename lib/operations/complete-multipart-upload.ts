/** Complete Multipart Upload: makes the object of its parts. */
import { Readable } from 'node:stream'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as t from 'io-ts'
import * as D from '../core/decoder.js'
import { fromXml } from '../core/xml-decoder.js'
import type { CosError, InputProblem } from '../core/error.js'
import * as In from '../core/input.js'
import { withoutLeadingSlash } from '../core/key.js'
import { MiB } from '../core/limits.js'
import * as Op from '../core/operation.js'
import { conflict } from '../core/problem.js'
import * as R from '../core/request.js'
import type { Response } from '../core/response.js'
import * as W from '../core/wire.js'
import type { Xml } from '../core/xml.js'
import {
  responseMetadata,
  encryptionInfo,
  lenient,
  Text,
  type ResponseMetadata,
  type EncryptionInfo
} from './responses/metadata.js'
import { withStatus } from './responses/status.js'
import { uploadCallback, uploadCallbackHeaders, type UploadCallback } from './parameters/callback.js'
import { ETag } from './parameters/conditions.js'
import { crossChecked } from './parameters/validation.js'
import { storageOptions, storageHeaders, type StorageOptions } from './parameters/storage.js'
import { PartNumber, UploadId } from './parameters/versions.js'

// -- input --
export interface CompletedPart {
  /** 1 to 10,000. */
  readonly partNumber: number
  /** As returned by `uploadPart`; the quotes may be missing. */
  readonly etag: string
}

export interface CompleteMultipartUploadInput
  extends R.ObjectRef, UploadCallback, Pick<StorageOptions, 'forbidOverwrite'> {
  readonly uploadId: string
  /** Every part, in any order: 1 to 10,000, numbered from 1 without a gap. Results of `uploadPart` are accepted. */
  readonly parts: ReadonlyArray<CompletedPart>
}

const PartFields = In.struct<CompletedPart>('a part, { partNumber, etag }', {
  partNumber: PartNumber,
  etag: In.refined(ETag, 'the ETag of a part', (etag) => etag !== '*')
})

// Further fields are allowed, such as those of `uploadPart`'s result. A misspelt field is still found: both are required.
const Part: t.Type<CompletedPart, CompletedPart, unknown> = new t.Type(
  PartFields.name,
  (u): u is CompletedPart => E.isRight(PartFields.decode(u)),
  (u, context) =>
    t.UnknownRecord.is(u)
      ? PartFields.validate({ partNumber: u['partNumber'], etag: u['etag'] }, context)
      : t.failure(u, context),
  t.identity
)

const sortByNumber = (parts: ReadonlyArray<CompletedPart>): ReadonlyArray<CompletedPart> =>
  parts.toSorted((a, b) => a.partNumber - b.partNumber)

/** COS would respond `InvalidPart` or `InvalidPartOrder` after all bytes were uploaded, without the part's number. */
const partConflict = ({ parts }: CompleteMultipartUploadInput): O.Option<InputProblem> => {
  const sorted = sortByNumber(parts)
  const at = sorted.findIndex((part, n) => part.partNumber !== n + 1)
  const wrong = sorted[at]
  if (wrong === undefined) return O.none
  const twice = wrong.partNumber === at
  // Sorting is stable: of two equal numbers this is the later part.
  const field = `parts.${String(parts.indexOf(wrong))}.partNumber`
  return O.some(
    conflict(
      field,
      twice
        ? `must be unique: another part has ${String(at)}`
        : `must be ${String(at + 1)}: parts are numbered from 1 without a gap`
    )
  )
}

const Input = crossChecked(
  In.struct<CompleteMultipartUploadInput>('CompleteMultipartUploadInput', {
    ...R.objectRef,
    ...uploadCallback,
    forbidOverwrite: storageOptions.forbidOverwrite,
    uploadId: UploadId,
    parts: In.refined(
      t.readonlyArray(Part, 'a list of { partNumber, etag }'),
      '1 to 10,000 parts',
      ({ length }) => length >= 1 && length <= 10_000
    )
  }),
  partConflict
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
    R.withXml(['CompleteMultipartUpload', sortByNumber(input.parts).map(partXml)]),
    R.withSlowHeaders
  )

// -- output --
export interface CompleteMultipartUploadResult extends ResponseMetadata {
  readonly bucket: string
  readonly key: string
  /** Opaque, quotes included; neither an MD5 nor computed from the parts' ETags. */
  readonly etag: string
  /** As COS wrote it: with or without a scheme, the key encoded or not. */
  readonly location: O.Option<string>
  /** Of the whole object, unsigned; none if a part has none, or if COS sent the headers before the merge had ended. */
  readonly crc64: O.Option<bigint>
  /** `null` if versioning is suspended; none if it was never enabled. */
  readonly versionId: O.Option<string>
  readonly sse: O.Option<EncryptionInfo>
  /** Body of the response if a callback or picture processing was requested, as text; otherwise none. */
  readonly response: O.Option<string>
}

const root = 'CompleteMultipartUploadResult'

// The ETag is the proof of a completion. Another field that cannot be read must not turn it into a failure.
const Fields = t.type({
  ETag: Text,
  Location: lenient(Text),
  Bucket: lenient(Text),
  Key: lenient(Text),
  VersionId: lenient(Text)
})
type Fields = t.TypeOf<typeof Fields>

const responseLimit = MiB

/** With a callback the body is that of the caller's server, of any form; the headers are COS's. */
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
                'the upload is complete, but the response of its callback has no ETag: call headObject for it'
              ]),
            (ETag) => ({ ETag, Location: O.none, Bucket: O.none, Key: O.none, VersionId: O.none })
          )
        )

const read =
  (input: CompleteMultipartUploadInput): D.Decoder<Fields & { readonly response: O.Option<string> }> =>
  (response) => {
    if (input.callback === undefined && input.picOperations === undefined) {
      return pipe(
        fromXml(root, Fields)(response),
        TE.map((fields) => ({ ...fields, response: O.none }))
      )
    }
    return pipe(
      D.readBytes(responseLimit)(response),
      TE.chain((bytes) =>
        pipe(
          fromXml(root, Fields)({ ...response, body: Readable.from([bytes]) }),
          TE.orElse((error) =>
            TE.fromEither(input.callback === undefined ? E.left(error) : fromCallback(response)(error))
          ),
          TE.map((fields) => ({ ...fields, response: O.some(Buffer.from(bytes).toString('utf8').trim()) }))
        )
      )
    )
  }

const decode = (input: CompleteMultipartUploadInput): D.Decoder<CompleteMultipartUploadResult> =>
  pipe(
    read(input),
    D.chainEither((fields, response) =>
      E.right({
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
        response: fields.response
      })
    ),
    withStatus(200)
  )

// -- operation --
/**
 * Makes an object of uploaded parts. It may take minutes, during which COS sends white space.
 *
 * COS sends the status before the outcome is known: a failure may have status 200. If the response to a first attempt
 * was lost and it had succeeded, a second attempt fails with `NoSuchUpload`.
 *
 * @shape  `CompleteMultipartUploadInput -> Operation<CompleteMultipartUploadResult>`
 * @units  parts of at least 1 MiB each, except the last
 * @errors `InvalidInput`, with the path of a part such as `parts.3.partNumber`; `ServiceError` 400 `EntityTooSmall` or `InvalidPart`, 404
 *         `NoSuchUpload`, 409 `PathConflict` or `FileAlreadyExists`, and with status 200 if COS failed half way;
 *         `DecodeError` without an ETag; `TransportError` if the response was cut short, or only white space
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
