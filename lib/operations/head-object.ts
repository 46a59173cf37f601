/** HEAD Object: the attributes of an object, without its bytes. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as D from '../core/decoder.js'
import * as In from '../core/input.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import * as W from '../core/wire.js'
import * as H from './responses/header-fields.js'
import { objectAttributes, type ObjectAttributes } from './responses/object-headers.js'
import { withStatus } from './responses/status.js'
import { conditionHeaders, conditions, type Conditions } from './parameters/conditions.js'
import { encryptionHeaders, withCustomerKey, type WithCustomerKey } from './parameters/encryption.js'
import { withReferer, refererHeaders, type WithReferer } from './parameters/referer.js'
import { VersionId } from './parameters/versions.js'

// -- input --
export interface HeadObjectInput extends R.ObjectRef, Conditions, WithCustomerKey, WithReferer {
  /** Default: the latest version. */
  readonly versionId?: string
}

const Input = In.struct<HeadObjectInput>('HeadObjectInput', {
  ...R.objectRef,
  ...conditions,
  ...withCustomerKey,
  ...withReferer,
  versionId: In.optional(VersionId)
})

// -- request --
const request = (input: HeadObjectInput): R.Request =>
  pipe(
    R.head(input),
    R.withQuery({ versionId: input.versionId }),
    R.withHeaders(
      // A proxy that compresses would remove the length.
      { 'accept-encoding': 'identity' },
      conditionHeaders(input),
      encryptionHeaders(input),
      refererHeaders(input)
    )
  )

// -- output --
export interface ObjectHead extends ObjectAttributes {
  /** In bytes. */
  readonly size: number
}

const sizeOf = (fields: H.HeaderFields): number => H.required(fields, 'content-length', W.ByteCount, 0)

const fromHeaders: Op.Decoder<ObjectHead> = (response) => async () => {
  const drained = await D.drain(response)()
  if (E.isLeft(drained)) return drained
  const attributes = objectAttributes(response)
  if (E.isLeft(attributes)) return attributes
  const size = H.readFields(response, sizeOf)
  // Not a spread: to copy twenty-two fields and add one takes longer than to read them.
  return E.isLeft(size) ? size : E.right(Object.assign(attributes.right, { size: size.right }))
}

const decode = pipe(fromHeaders, withStatus(200))

// -- operation --
/**
 * Reads the attributes and metadata of an object.
 *
 * A response to HEAD has no body, not even an error: the `code` of its `ServiceError` is derived from the status.
 *
 * @shape  `HeadObjectInput -> Operation<ObjectHead>`; nothing is sent until `send`
 * @units  `size` in bytes; `lastModified` to the second; `crc64` unsigned
 * @errors `InvalidInput`; `ServiceError` 404 no such object or version, or a delete marker, 403 no permission,
 *         304 and 412 by the conditions, 400 usually a missing or wrong customer key; `DecodeError`
 * @source https://cloud.tencent.com/document/product/436/7745
 * @example pipe(headObject({ bucket, key }), Op.map((head) => head.size))
 */
export const headObject: (input: HeadObjectInput) => Op.Operation<ObjectHead> = Op.operation(
  'HeadObject',
  Input,
  request,
  decode
)
