/** GET Object tagging: for copies in parts, which do not copy the tags of the source by themselves. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import * as D from '../../core/decoder.js'
import { document } from '../../core/xml-decoder.js'
import * as In from '../../core/input.js'
import * as Op from '../../core/operation.js'
import * as R from '../../core/request.js'
import * as W from '../../core/wire.js'
import type { Element } from '../../core/element.js'
import { toFields } from '../../core/xml.js'
import { VersionId } from '../../operations/parameters/versions.js'

// -- input --
export interface GetObjectTaggingInput extends R.ObjectRef {
  /** One version instead of the latest. */
  readonly versionId?: string
}

const Input = In.struct<GetObjectTaggingInput>('GetObjectTaggingInput', {
  ...R.objectRef,
  versionId: In.optional(VersionId)
})

// -- request --
const request = (input: GetObjectTaggingInput): R.Request =>
  pipe(R.get(input), R.withQuery({ tagging: '', versionId: input.versionId }))

// -- output --
export type ObjectTags = Readonly<Record<string, string>>

const TagRow = t.type({ Key: t.string, Value: t.string })

const tagOf = (tag: Element): E.Either<ReadonlyArray<string>, readonly [string, string]> =>
  pipe(
    W.decodeWith(TagRow)(toFields(tag)),
    E.map(({ Key, Value }) => [Key, Value] as const)
  )

const decode: Op.Decoder<ObjectTags> = pipe(
  document('Tagging'),
  D.chainEither(({ rows }, response) =>
    pipe(
      rows.flatMap((row) => (row.name === 'TagSet' ? row.children : [])),
      E.traverseArray(tagOf),
      E.bimap(
        (problems) => D.decodeError(response, problems),
        (tags) => Object.fromEntries(tags)
      )
    )
  )
)

// -- operation --
/**
 * Reads the tags of an object. It needs the permission `cos:GetObjectTagging`.
 *
 * @shape  `GetObjectTaggingInput -> Operation<ObjectTags>`
 * @units  at most 10 tags
 * @errors `ServiceError` 403 without the permission, 404 no such object; `DecodeError`
 * @source https://cloud.tencent.com/document/product/436/42998
 */
export const getObjectTagging: (input: GetObjectTaggingInput) => Op.Operation<ObjectTags> = Op.operation(
  'GetObjectTagging',
  Input,
  request,
  decode
)
