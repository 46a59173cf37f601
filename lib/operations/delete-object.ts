/** DELETE Object: an object, a version of it, or a delete marker in their place. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as t from 'io-ts'
import * as D from '../core/decoder.js'
import * as In from '../core/input.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import * as W from '../core/wire.js'
import { responseMetadata, maybe, readHeaders, Text, type ResponseMetadata } from './responses/metadata.js'
import { VersionId } from './parameters/versions.js'

// -- input --
export interface DeleteObjectInput extends R.ObjectRef {
  /** Removes this version for good, where versioning would otherwise leave a delete marker. */
  readonly versionId?: string
}

const Input = In.struct<DeleteObjectInput>('DeleteObjectInput', {
  ...R.objectRef,
  versionId: In.optional(VersionId)
})

// -- request --
const request = (input: DeleteObjectInput): R.Request =>
  pipe(R.del(input), R.withQuery({ versionId: input.versionId }))

// -- output --
export interface DeleteObjectResult extends ResponseMetadata {
  /** The version that was removed, or the delete marker that was made. */
  readonly versionId: O.Option<string>
  /** A delete marker was made, or the version that was removed was one. */
  readonly deleteMarker: boolean
}

const Headers = t.type({ 'x-cos-version-id': maybe(Text), 'x-cos-delete-marker': maybe(W.Bool) })

const decode: Op.Decoder<DeleteObjectResult> = (response) =>
  pipe(
    D.drain(response),
    TE.chainEitherK(() => readHeaders(Headers)(response)),
    TE.map((headers) => ({
      ...responseMetadata(response),
      versionId: headers['x-cos-version-id'],
      deleteMarker: O.getOrElse(() => false)(headers['x-cos-delete-marker'])
    }))
  )

// -- operation --
/**
 * Deletes an object. One that never was is deleted as well: the answer is the same.
 *
 * Deleting `dir/` removes that one object, and nothing below it. Where the answer to a first attempt was lost, a second
 * that finds no such version is a success, which can not say whether the version was a delete marker.
 *
 * @shape  `DeleteObjectInput -> Operation<DeleteObjectResult>`
 * @errors `InvalidInput`; `ServiceError` 403 no right to, 409 locked, 404 no such bucket; `DecodeError`
 * @source https://cloud.tencent.com/document/product/436/7743
 */
export const deleteObject: (input: DeleteObjectInput) => Op.Operation<DeleteObjectResult> = (input) =>
  pipe(
    input,
    Op.operation('DeleteObject', Input, request, decode),
    Op.recoverLostAnswer(['NoSuchVersion'], (refusal): DeleteObjectResult => ({
      ...responseMetadata(refusal),
      versionId: O.fromNullable(input.versionId),
      deleteMarker: false
    }))
  )
