/** Finds an unfinished upload to resume, and compares its parts with the bytes to send. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import * as t from 'io-ts'
import type { CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import { refOf, type ObjectRef } from '../../core/request.js'
import { httpTime } from '../../core/wire.js'
import type { ResponseMetadata } from '../../operations/responses/metadata.js'
import type { Client } from '../../client/client.js'
import { send, type CosEffect } from '../../client/send.js'
import { listMultipartUploads } from '../../operations/list-multipart-uploads.js'
import { listParts } from '../../operations/list-parts.js'
import { UploadId } from '../../operations/parameters/versions.js'

/**
 * Which unfinished upload to resume.
 *
 * - `'newest'`: the newest upload of the key that is surely abandoned: nothing was added to it for an hour, by COS's
 *   clock. A younger upload may belong to a run that is still sending.
 * - `{ minAge }`: the same, with another age in milliseconds; 0 if nobody else uploads to this key.
 * - `{ uploadId }`: this upload, as `error.context.uploadId` names it.
 * - `'never'`: none.
 */
export type Resume = 'newest' | 'never' | { readonly uploadId: string } | { readonly minAge: number }

const words = "'newest', 'never', { uploadId } or { minAge }"

const ById = In.struct<{ readonly uploadId: string }>(words, { uploadId: UploadId })
const ByAge = In.struct<{ readonly minAge: number }>(words, {
  minAge: In.integer(0, Number.MAX_SAFE_INTEGER, 'milliseconds')
})

export const Resume: t.Type<Resume, Resume, unknown> = new t.Type<Resume, Resume, unknown>(
  words,
  (u): u is Resume => u === 'newest' || u === 'never' || ById.is(u) || ByAge.is(u),
  (u, context) => {
    if (u === 'newest' || u === 'never') return t.success(u)
    return typeof u === 'object' && u !== null && 'minAge' in u
      ? ByAge.validate(u, context)
      : ById.validate(u, context)
  },
  t.identity
)

/** In milliseconds, of `'newest'`. */
const abandonedAfter = 3_600_000

/** A part that COS has. */
export interface UploadedPart {
  readonly etag: string
  /** In bytes. */
  readonly size: number
}

/** An upload that can be resumed. */
export interface ResumableUpload {
  readonly uploadId: string
  readonly parts: ReadonlyMap<number, UploadedPart>
}

const none: CosEffect<O.Option<ResumableUpload>> = RTE.right(O.none)

/** Folds pages up to the last. Stops at a repeated marker: COS would return the same page for ever. */
const foldPages =
  <Marker, A>(
    page: (marker: Marker, state: A) => CosEffect<{ readonly state: A; readonly next: O.Option<Marker> }>,
    isSame: (a: Marker, b: Marker) => boolean
  ) =>
  (marker: Marker, initial: A): CosEffect<A> =>
    pipe(
      page(marker, initial),
      RTE.chain(({ state, next }) =>
        O.isNone(next) || isSame(marker, next.value)
          ? RTE.right<Client, CosError, A>(state)
          : foldPages(page, isSame)(next.value, state)
      )
    )

/** COS's time of the response; ours if the response has no date. */
const serverTime = ({ clock }: Client, { headers }: ResponseMetadata): number =>
  O.getOrElse(clock.now)(httpTime(headers['date']))

interface UploadMarker {
  readonly key: string
  readonly uploadId: string
}

/** An upload of a key. */
interface UploadAge {
  readonly uploadId: string
  /** Milliseconds since it was created, by COS's clock. */
  readonly age: number
}

/** Folds the uploads of exactly this key whose date can be read. COS lists them by id, which begins with the time; longer keys follow. */
export const foldUploads =
  <A>({ bucket, key }: ObjectRef, initial: A, step: (state: A, upload: UploadAge) => A): CosEffect<A> =>
  (client) =>
    foldPages<UploadMarker, A>(
      (marker, state) =>
        pipe(
          send(
            listMultipartUploads({
              bucket,
              prefix: key,
              ...(marker.key === '' ? {} : { keyMarker: marker.key, uploadIdMarker: marker.uploadId })
            })
          ),
          RTE.map(({ uploads, isTruncated, nextKeyMarker, nextUploadIdMarker, ...response }) => ({
            state: uploads
              .flatMap(({ key: listed, uploadId, initiated }) =>
                listed === key && O.isSome(initiated)
                  ? [{ uploadId, age: Math.max(0, serverTime(client, response) - initiated.value.getTime()) }]
                  : []
              )
              .reduce(step, state),
            next: pipe(
              nextKeyMarker,
              O.filter((next) => isTruncated && next === key),
              O.map((next) => ({ key: next, uploadId: O.getOrElse(() => '')(nextUploadIdMarker) }))
            )
          }))
        ),
      (a, b) => a.key === b.key && a.uploadId === b.uploadId
    )(
      { key: '', uploadId: '' },
      initial
    )(client)

/** The newest upload of exactly this key that is at least `minAge` old. */
const findNewest = (ref: ObjectRef, minAge: number): CosEffect<O.Option<string>> =>
  foldUploads<O.Option<string>>(ref, O.none, (newest, { uploadId, age }) =>
    age >= minAge ? O.some(uploadId) : newest
  )

interface ListedParts {
  readonly parts: ReadonlyMap<number, UploadedPart>
  /** Milliseconds since the last part came, by COS's clock; infinite without parts, 0 if a date could not be read. */
  readonly age: number
}

const listAllParts =
  (ref: ObjectRef, uploadId: string): CosEffect<ListedParts> =>
  (client) =>
    foldPages<number, ListedParts>(
      (marker, state) =>
        pipe(
          send(listParts({ ...refOf(ref), uploadId, partNumberMarker: marker })),
          RTE.map(({ parts, isTruncated, nextPartNumberMarker, ...response }) => ({
            state: {
              parts: new Map([
                ...state.parts,
                ...parts.map(({ partNumber, etag, size }) => [partNumber, { etag, size }] as const)
              ]),
              age: Math.min(
                state.age,
                ...parts.map(({ lastModified }) =>
                  // COS's Date header has whole seconds: a part of this second would be younger than nothing.
                  O.isSome(lastModified)
                    ? Math.max(0, serverTime(client, response) - lastModified.value.getTime())
                    : 0
                )
              )
            },
            next: O.filter(() => isTruncated)(nextPartNumberMarker)
          }))
        ),
      (a, b) => a === b
    )(0, { parts: new Map(), age: Number.POSITIVE_INFINITY })(client)

/** The upload was completed or aborted. */
export const isUploadGone = (error: CosError): boolean =>
  error._tag === 'ServiceError' && error.code === 'NoSuchUpload'

/**
 * One upload by its id, with its parts; none if it was completed or aborted.
 *
 * @errors those of `listParts`, but not 404 `NoSuchUpload`
 */
export const findUpload = (
  ref: ObjectRef,
  uploadId: string,
  minAge = 0
): CosEffect<O.Option<ResumableUpload>> =>
  pipe(
    listAllParts(ref, uploadId),
    RTE.map(({ parts, age }) => (age >= minAge ? O.some({ uploadId, parts }) : O.none)),
    RTE.orElse((error) => (isUploadGone(error) ? none : RTE.left(error)))
  )

/**
 * Finds the upload to resume.
 *
 * @errors those of `listMultipartUploads` and `listParts`; 404 `NoSuchUpload` only of an upload that was named
 */
export const findResumable = (ref: ObjectRef, resume: Resume): CosEffect<O.Option<ResumableUpload>> => {
  if (resume === 'never') return none
  if (typeof resume === 'object' && 'uploadId' in resume) {
    const { uploadId } = resume
    return pipe(
      listAllParts(ref, uploadId),
      RTE.map(({ parts }) => O.some({ uploadId, parts }))
    )
  }
  const minAge = resume === 'newest' ? abandonedAfter : resume.minAge
  return pipe(
    findNewest(ref, minAge),
    RTE.chain((uploadId) => (O.isNone(uploadId) ? none : findUpload(ref, uploadId.value, minAge)))
  )
}

/**
 * Whether a part on COS has our bytes. Its ETag is their MD5, except under encryption with a key of KMS or of the
 * caller; such a part is sent again.
 *
 * @shape `md5`: base64 of 16 bytes
 */
export const matchesPart = (
  existing: UploadedPart,
  ours: { readonly size: number; readonly md5: string }
): boolean => {
  const hex = Buffer.from(ours.md5, 'base64').toString('hex')
  return existing.size === ours.size && existing.etag.replaceAll('"', '').toLowerCase() === hex
}
