/** DELETE Multiple Objects: deletes up to 1,000 objects in one request. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import * as D from '../core/decoder.js'
import { document } from '../core/xml-decoder.js'
import * as In from '../core/input.js'
import { Key, withoutLeadingSlash } from '../core/key.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import * as W from '../core/wire.js'
import type { Element } from '../core/element.js'
import { isXmlText, toFields, type Xml } from '../core/xml.js'
import { responseMetadata, optional, Text, type ResponseMetadata } from './responses/metadata.js'
import { withStatus } from './responses/status.js'
import { VersionId } from './parameters/versions.js'

// -- input --
export interface ObjectToDelete {
  readonly key: string
  /** Deletes this version permanently. Without it, a bucket with versioning adds a delete marker. */
  readonly versionId?: string
}

export interface DeleteObjectsInput extends R.BucketRef {
  /** 1 to 1,000. */
  readonly objects: ReadonlyArray<ObjectToDelete>
  /** Returns only the objects that were not deleted. */
  readonly quiet?: boolean
}

const PlainKey = In.refined(
  Key,
  'a key without control characters, which XML cannot carry; deleteObject accepts it',
  isXmlText
)

const ObjectToDelete = In.struct<ObjectToDelete>('an object, { key, versionId }', {
  key: PlainKey,
  versionId: In.optional(VersionId)
})

const Input = In.struct<DeleteObjectsInput>('DeleteObjectsInput', {
  ...R.bucketRef,
  objects: In.refined(
    t.readonlyArray(ObjectToDelete, 'a list of { key, versionId }'),
    '1 to 1,000 objects',
    ({ length }) => length >= 1 && length <= 1000
  ),
  quiet: In.optional(In.boolean)
})

// -- request --
const objectXml = ({ key, versionId }: ObjectToDelete): Xml => [
  'Object',
  [['Key', withoutLeadingSlash(key)], ...(versionId === undefined ? [] : [['VersionId', versionId] as const])]
]

const request = (input: DeleteObjectsInput): R.Request =>
  pipe(
    R.onBucket('POST')(input),
    R.withQuery({ delete: '' }),
    R.withXml(['Delete', [['Quiet', String(input.quiet ?? false)], ...input.objects.map(objectXml)]])
  )

// -- output --
export interface DeletedObject {
  readonly _tag: 'Deleted'
  readonly key: string
  /** As requested. */
  readonly versionId: O.Option<string>
  /** Whether a delete marker was added, or the deleted version was one. */
  readonly deleteMarker: boolean
  readonly deleteMarkerVersionId: O.Option<string>
}

export interface DeleteFailure {
  readonly _tag: 'Error'
  readonly key: string
  readonly versionId: O.Option<string>
  /** COS's code, such as `PathConflict`. */
  readonly code: string
  readonly message: string
}

export type DeleteResult = DeletedObject | DeleteFailure

export interface DeleteObjectsResult extends ResponseMetadata {
  /** One per object, in the order of the response; with `quiet`, only those not deleted. */
  readonly results: ReadonlyArray<DeleteResult>
}

const DeletedRow = t.type({
  Key: t.string,
  VersionId: optional(Text),
  DeleteMarker: optional(W.Bool),
  DeleteMarkerVersionId: optional(Text)
})
const ErrorRow = t.type({ Key: t.string, VersionId: optional(Text), Code: t.string, Message: optional(Text) })

const resultOf = (row: Element): E.Either<ReadonlyArray<string>, ReadonlyArray<DeleteResult>> => {
  switch (row.name) {
    case 'Deleted':
      return pipe(
        W.decodeWith(DeletedRow)(toFields(row)),
        E.map((fields) => [
          {
            _tag: 'Deleted',
            key: fields.Key,
            versionId: fields.VersionId,
            deleteMarker: O.getOrElse(() => false)(fields.DeleteMarker),
            deleteMarkerVersionId: fields.DeleteMarkerVersionId
          }
        ])
      )
    case 'Error':
      return pipe(
        W.decodeWith(ErrorRow)(toFields(row)),
        E.map((fields) => [
          {
            _tag: 'Error',
            key: fields.Key,
            versionId: fields.VersionId,
            code: fields.Code,
            message: O.getOrElse(() => '')(fields.Message)
          }
        ])
      )
    default:
      return E.right([])
  }
}

const decode: Op.Decoder<DeleteObjectsResult> = pipe(
  document('DeleteResult'),
  D.chainEither(({ rows }, response) =>
    pipe(
      E.traverseArray(resultOf)(rows),
      E.mapLeft((problems) => D.decodeError(response, problems)),
      E.map((results) => ({ ...responseMetadata(response), results: results.flat() }))
    )
  ),
  withStatus(200)
)

// -- operation --
/**
 * Deletes up to 1,000 objects. Some may fail while others succeed: check each result.
 *
 * Objects that do not exist count as deleted. Keys with control characters are invalid here, as XML cannot express
 * them; `deleteObject` deletes them one by one.
 *
 * @shape  `DeleteObjectsInput -> Operation<DeleteObjectsResult>`
 * @errors `InvalidInput`, with the path of a key such as `objects.3.key`; `ServiceError` 403 of the whole request; `DecodeError`
 * @source https://cloud.tencent.com/document/product/436/8289
 */
export const deleteObjects: (input: DeleteObjectsInput) => Op.Operation<DeleteObjectsResult> = Op.operation(
  'DeleteObjects',
  Input,
  request,
  decode
)
