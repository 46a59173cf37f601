/** What an earlier run left on COS, held against the bytes we have: what is there already need not be sent again. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import * as t from 'io-ts'
import type { CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import { refOf, type ObjectRef } from '../../core/request.js'
import type { Client } from '../../client/client.js'
import { send, type CosEffect } from '../../client/send.js'
import { listMultipartUploads } from '../../operations/list-multipart-uploads.js'
import { listParts } from '../../operations/list-parts.js'
import { UploadId } from '../../operations/parameters/versions.js'

/**
 * Which upload to go on with: the newest of the key; one by its id, as `error.context.uploadId` names it; or none.
 */
export type Resume = 'newest' | 'never' | { readonly uploadId: string }

const words = "'newest', 'never' or { uploadId }"

const ById = In.struct<{ readonly uploadId: string }>(words, { uploadId: UploadId })

export const Resume: t.Type<Resume, Resume, unknown> = new t.Type<Resume, Resume, unknown>(
  words,
  (u): u is Resume => u === 'newest' || u === 'never' || ById.is(u),
  (u, context) => (u === 'newest' || u === 'never' ? t.success(u) : ById.validate(u, context)),
  t.identity
)

/** A part that COS has. */
export interface UploadedPart {
  readonly etag: string
  /** In bytes. */
  readonly size: number
}

/** An upload that can be gone on with. */
export interface ResumableUpload {
  readonly uploadId: string
  readonly parts: ReadonlyMap<number, UploadedPart>
}

const none: CosEffect<O.Option<ResumableUpload>> = RTE.right(O.none)

/** Follows pages to the last, gathering. A marker that stands still ends it: COS would say the same for ever. */
const collectUploads =
  <Marker, A>(
    page: (from: Marker, so: A) => CosEffect<{ readonly so: A; readonly next: O.Option<Marker> }>,
    same: (a: Marker, b: Marker) => boolean
  ) =>
  (from: Marker, so: A): CosEffect<A> =>
    pipe(
      page(from, so),
      RTE.chain(({ so: now, next }) =>
        O.isNone(next) || same(from, next.value)
          ? RTE.right<Client, CosError, A>(now)
          : collectUploads(page, same)(next.value, now)
      )
    )

interface UploadMarker {
  readonly key: string
  readonly uploadId: string
}

/**
 * The newest upload of exactly this key. COS lists uploads by key, and then by id, which begins with the time; longer
 * keys come behind this one.
 */
const newestOf = ({ bucket, key }: ObjectRef): CosEffect<O.Option<string>> =>
  collectUploads<UploadMarker, O.Option<string>>(
    (from, so) =>
      pipe(
        send(
          listMultipartUploads({
            bucket,
            prefix: key,
            ...(from.key === '' ? {} : { keyMarker: from.key, uploadIdMarker: from.uploadId })
          })
        ),
        RTE.map(({ uploads, isTruncated, nextKeyMarker, nextUploadIdMarker }) => ({
          so: pipe(
            O.fromNullable(uploads.findLast((upload) => upload.key === key)),
            O.map(({ uploadId }) => uploadId),
            O.alt(() => so)
          ),
          next: pipe(
            nextKeyMarker,
            O.filter((next) => isTruncated && next === key),
            O.map((next) => ({ key: next, uploadId: O.getOrElse(() => '')(nextUploadIdMarker) }))
          )
        }))
      ),
    (a, b) => a.key === b.key && a.uploadId === b.uploadId
  )({ key: '', uploadId: '' }, O.none)

const partsOf = (ref: ObjectRef, uploadId: string): CosEffect<ReadonlyMap<number, UploadedPart>> =>
  collectUploads<number, ReadonlyMap<number, UploadedPart>>(
    (from, so) =>
      pipe(
        send(listParts({ ...refOf(ref), uploadId, partNumberMarker: from })),
        RTE.map(({ parts, isTruncated, nextPartNumberMarker }) => ({
          so: new Map([
            ...so,
            ...parts.map(({ partNumber, etag, size }) => [partNumber, { etag, size }] as const)
          ]),
          next: O.filter(() => isTruncated)(nextPartNumberMarker)
        }))
      ),
    (a, b) => a === b
  )(0, new Map())

const named = (ref: ObjectRef, uploadId: string): CosEffect<O.Option<ResumableUpload>> =>
  pipe(
    partsOf(ref, uploadId),
    RTE.map((parts) => O.some({ uploadId, parts }))
  )

/** Gone meanwhile: completed or aborted by another. Who did not name it does not mind. */
const orNone = (error: CosError): CosEffect<O.Option<ResumableUpload>> =>
  error._tag === 'ServiceError' && error.code === 'NoSuchUpload' ? none : RTE.left(error)

/**
 * Finds what to go on with.
 *
 * @errors those of `listMultipartUploads` and `listParts`; 404 `NoSuchUpload` only of an upload that was named
 */
export const findResumable = (ref: ObjectRef, resume: Resume): CosEffect<O.Option<ResumableUpload>> => {
  if (resume === 'never') return none
  if (resume !== 'newest') return named(ref, resume.uploadId)
  return pipe(
    newestOf(ref),
    RTE.chain((uploadId) =>
      O.isNone(uploadId) ? none : pipe(named(ref, uploadId.value), RTE.orElse(orNone))
    )
  )
}

/**
 * Whether a part that is there has our bytes. Its ETag is their MD5, except under encryption with a key of KMS or the
 * caller's; then nobody can tell, and the part is sent again.
 *
 * @shape `md5`: base64 of 16 bytes
 */
export const matchesPart = (
  there: UploadedPart,
  ours: { readonly size: number; readonly md5: string }
): 'same' | 'other' => {
  const hex = Buffer.from(ours.md5, 'base64').toString('hex')
  return there.size === ours.size && there.etag.replaceAll('"', '').toLowerCase() === hex ? 'same' : 'other'
}
