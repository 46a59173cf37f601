/** DELETE Multiple Objects: up to a thousand objects in one request. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as t from 'io-ts'
import * as D from '../core/decoder.js'
import * as In from '../core/input.js'
import { Key, withoutLeadingSlash } from '../core/key.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import * as W from '../core/wire.js'
import { isXmlText, toFields, type Element, type Xml } from '../core/xml.js'
import { responseMetadata, maybe, Text, type ResponseMetadata } from './responses/metadata.js'
import { VersionId } from './parameters/versions.js'

// -- input --
export interface ObjectToDelete {
  readonly key: string
  /** Removes this version for good, where versioning would otherwise leave a delete marker. */
  readonly versionId?: string
}

export interface DeleteObjectsInput extends R.BucketRef {
  /** 1 to 1,000. */
  readonly objects: ReadonlyArray<ObjectToDelete>
  /** COS says only what went wrong. */
  readonly quiet?: boolean
}

const PlainKey = In.refined(
  Key,
  'a key that XML can carry, without control characters; deleteObject takes any',
  isXmlText
)

const ObjectToDelete = In.struct<ObjectToDelete>('an object, { key, versionId }', {
  key: PlainKey,
  versionId: In.optional(VersionId)
})

const Input = In.struct<DeleteObjectsInput>('DeleteObjectsInput', {
  ...R.bucketRef,
  objects: In.refined(
    t.readonlyArray(ObjectToDelete),
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
export interface Deleted {
  readonly _tag: 'Deleted'
  readonly key: string
  /** As it was asked for. */
  readonly versionId: O.Option<string>
  /** A delete marker was made, or the version that was removed was one. */
  readonly deleteMarker: boolean
  readonly deleteMarkerVersionId: O.Option<string>
}

export interface NotDeleted {
  readonly _tag: 'Error'
  readonly key: string
  readonly versionId: O.Option<string>
  /** COS's word, such as `PathConflict`. */
  readonly code: string
  readonly message: string
}

export type DeleteResult = Deleted | NotDeleted

export interface DeleteObjectsResult extends ResponseMetadata {
  /** What became of each, in the order of the answer; with `quiet`, of those alone that were not deleted. */
  readonly results: ReadonlyArray<DeleteResult>
}

const DeletedRow = t.type({
  Key: t.string,
  VersionId: maybe(Text),
  DeleteMarker: maybe(W.Bool),
  DeleteMarkerVersionId: maybe(Text)
})
const ErrorRow = t.type({ Key: t.string, VersionId: maybe(Text), Code: t.string, Message: maybe(Text) })

const resultOf = (row: Element): E.Either<ReadonlyArray<string>, ReadonlyArray<DeleteResult>> => {
  switch (row.name) {
    case 'Deleted':
      return pipe(
        W.decodeWith(DeletedRow)(toFields(row)),
        E.map((said) => [
          {
            _tag: 'Deleted',
            key: said.Key,
            versionId: said.VersionId,
            deleteMarker: O.getOrElse(() => false)(said.DeleteMarker),
            deleteMarkerVersionId: said.DeleteMarkerVersionId
          }
        ])
      )
    case 'Error':
      return pipe(
        W.decodeWith(ErrorRow)(toFields(row)),
        E.map((said) => [
          {
            _tag: 'Error',
            key: said.Key,
            versionId: said.VersionId,
            code: said.Code,
            message: O.getOrElse(() => '')(said.Message)
          }
        ])
      )
    default:
      return E.right([])
  }
}

const decode: Op.Decoder<DeleteObjectsResult> = pipe(
  D.document('DeleteResult'),
  D.chainEither(({ rows }, response) =>
    pipe(
      E.traverseArray(resultOf)(rows),
      E.mapLeft((problems) => D.decodeError(response, problems)),
      E.map((results) => ({ ...responseMetadata(response), results: results.flat() }))
    )
  )
)

// -- operation --
/**
 * Deletes up to a thousand objects. Some may fail while others do not: look at each result.
 *
 * Objects that never were are deleted as well. Keys with control characters are refused here, as XML can not spell
 * them: `deleteObject` deletes those one by one.
 *
 * @shape  `DeleteObjectsInput -> Operation<DeleteObjectsResult>`
 * @errors `InvalidInput`, of a key as `objects.3.key`; `ServiceError` 403 of the whole request; `DecodeError`
 * @source https://cloud.tencent.com/document/product/436/8289
 */
export const deleteObjects: (input: DeleteObjectsInput) => Op.Operation<DeleteObjectsResult> = Op.operation(
  'DeleteObjects',
  Input,
  request,
  decode
)
