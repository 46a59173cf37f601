/** DELETE Object: deletes an object, a version or a delete marker. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as t from 'io-ts'
import * as D from '../core/decoder.js'
import * as In from '../core/input.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import * as W from '../core/wire.js'
import { responseMetadata, optional, readHeaders, Text, type ResponseMetadata } from './responses/metadata.js'
import { fromCos, withStatus } from './responses/status.js'
import { VersionId } from './parameters/versions.js'

// -- input --
export interface DeleteObjectInput extends R.ObjectRef {
  /** Deletes this version permanently. Without it, a bucket with versioning adds a delete marker. */
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
  /** The version that was deleted, or the delete marker that was added. */
  readonly versionId: O.Option<string>
  /** Whether a delete marker was added, or the deleted version was one. */
  readonly deleteMarker: boolean
}

const Headers = t.type({ 'x-cos-version-id': optional(Text), 'x-cos-delete-marker': optional(W.Bool) })

const fromHeaders: Op.Decoder<DeleteObjectResult> = (response) =>
  pipe(
    D.drain(response),
    TE.chainEitherK(() => readHeaders(Headers)(response)),
    TE.map((headers) => ({
      ...responseMetadata(response),
      versionId: headers['x-cos-version-id'],
      deleteMarker: O.getOrElse(() => false)(headers['x-cos-delete-marker'])
    }))
  )

const decode = pipe(fromHeaders, fromCos, withStatus(204))

// -- operation --
/**
 * Deletes an object. The result is the same if no such object exists.
 *
 * Deleting `dir/` deletes only that object, and none below it. If the response to a first attempt was lost, a second
 * attempt that finds no such version is a success; it does not know whether the version was a delete marker.
 *
 * @shape  `DeleteObjectInput -> Operation<DeleteObjectResult>`
 * @errors `InvalidInput`; `ServiceError` 403 no permission, 409 locked, 404 no such bucket; `DecodeError`
 * @source https://cloud.tencent.com/document/product/436/7743
 */
export const deleteObject: (input: DeleteObjectInput) => Op.Operation<DeleteObjectResult> = (input) =>
  pipe(
    input,
    Op.operation('DeleteObject', Input, request, decode),
    Op.recoverLostResponse(['NoSuchVersion'], (error): DeleteObjectResult => ({
      ...responseMetadata(error),
      versionId: O.fromNullable(input.versionId),
      deleteMarker: false
    }))
  )
