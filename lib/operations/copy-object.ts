/** PUT Object - Copy: an object made of another, by COS itself. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as In from '../core/input.js'
import * as Op from '../core/operation.js'
import * as R from '../core/request.js'
import { copyObjectResponse, type CopyObjectResponse } from './responses/copied.js'
import { accessControl, accessHeaders, type AccessControl } from './parameters/access.js'
import { withCopySource, copySourceHeaders, type WithCopySource } from './parameters/copy-source.js'
import { encryptionHeaders, withEncryption, type WithEncryption } from './parameters/encryption.js'
import { crossChecked, type Disagreement } from './parameters/validation.js'
import { entityHeaders, entityMetadata, entityNames, type EntityMetadata } from './parameters/metadata.js'
import { storageOptions, storageHeaders, type StorageOptions } from './parameters/storage.js'

// -- input --
/** `Copy` takes the source's, `Replaced` what the input says. */
export type Directive = 'Copy' | 'Replaced'

/** ACL, storage class and encryption are never the source's: what is left out is COS's default. */
export interface CopyObjectInput
  extends R.ObjectRef, WithCopySource, EntityMetadata, AccessControl, WithEncryption, StorageOptions {
  /**
   * `Copy` where left out. `Replaced` is needed for the input's metadata to count, and to copy an object onto itself;
   * then all metadata that is not said again is gone.
   */
  readonly copyStatus?: Directive
  /** Of the tags: `Copy` where left out; `Replaced` for the input's `tagging` to count. */
  readonly taggingDirective?: Directive
}

const Directive = In.oneOf('Copy', 'Replaced')

/** COS ignores metadata beside `Copy` without a word. */
const ignored = (input: CopyObjectInput): O.Option<Disagreement> => {
  const name = entityNames.find((field) => input[field] !== undefined)
  if (name !== undefined && input.copyStatus !== 'Replaced')
    return O.some({ field: 'copyStatus', expected: `Replaced, for ${name} is ignored otherwise` })
  return input.tagging !== undefined && input.taggingDirective !== 'Replaced'
    ? O.some({ field: 'taggingDirective', expected: 'Replaced, for tagging is ignored otherwise' })
    : O.none
}

const Input = crossChecked(
  In.struct<CopyObjectInput>('CopyObjectInput', {
    ...R.objectRef,
    ...withCopySource,
    ...entityMetadata,
    ...accessControl,
    ...withEncryption,
    ...storageOptions,
    copyStatus: In.optional(Directive),
    taggingDirective: In.optional(Directive)
  }),
  ignored
)

// -- request --
const request = (input: CopyObjectInput): R.Request =>
  pipe(
    R.put(input),
    R.withHeaders({
      ...copySourceHeaders(input),
      'x-cos-metadata-directive': input.copyStatus,
      ...entityHeaders(input),
      ...accessHeaders(input),
      ...encryptionHeaders(input),
      ...storageHeaders(input),
      'x-cos-tagging-directive': input.taggingDirective
    }),
    R.withSlowHeaders
  )

// -- output --
export type CopyObjectResult = CopyObjectResponse

// -- operation --
/**
 * Copies an object, within a region or from another.
 *
 * @shape  `CopyObjectInput -> Operation<CopyObjectResult>`
 * @units  a source of at most 5 GiB by COS's word; `copy` takes any
 * @errors `InvalidInput`; `ServiceError` 404 no such source, 403 no right to it, or `InvalidObjectState` of an archived
 *         one, 412 by the conditions, 409 `FileAlreadyExists`, and of status 200 where COS failed half way, with codes
 *         `InternalError`, `SlowDown`, `ServiceUnavailable`; `DecodeError`
 * @source https://cloud.tencent.com/document/product/436/10881
 * @example copyObject({ bucket, key: 'b', copySource: { bucket, region: 'ap-guangzhou', key: 'a' } })
 */
export const copyObject: (input: CopyObjectInput) => Op.Operation<CopyObjectResult> = Op.operation(
  'CopyObject',
  Input,
  request,
  copyObjectResponse('CopyObjectResult')
)
