/** PUT Object - Copy: copies an object within COS, without transferring its bytes here. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import type { InputProblem } from '../core/error.js'
import * as In from '../core/input.js'
import * as Op from '../core/operation.js'
import { conflict } from '../core/problem.js'
import * as R from '../core/request.js'
import { copyObjectResponse, type CopyObjectResponse } from './responses/copied.js'
import { accessControl, accessHeaders, type AccessControl } from './parameters/access.js'
import { withCopySource, copySourceHeaders, type WithCopySource } from './parameters/copy-source.js'
import { encryptionHeaders, withEncryption, type WithEncryption } from './parameters/encryption.js'
import { crossChecked } from './parameters/validation.js'
import { entityHeaders, entityMetadata, entityNames, type EntityMetadata } from './parameters/metadata.js'
import { storageOptions, storageHeaders, type StorageOptions } from './parameters/storage.js'

// -- input --
/** `Copy` keeps the source's; `Replaced` takes those of the input. */
export type Directive = 'Copy' | 'Replaced'

/** ACL, storage class and encryption are never those of the source. Default: COS's defaults. */
export interface CopyObjectInput
  extends R.ObjectRef, WithCopySource, EntityMetadata, AccessControl, WithEncryption, StorageOptions {
  /**
   * Metadata. Default: `Copy`. `Replaced` is required if the input has metadata, and to copy an object onto itself; all
   * metadata that the input does not repeat is then removed.
   */
  readonly copyStatus?: Directive
  /** Tags. Default: `Copy`. `Replaced` is required if the input has `tagging`. */
  readonly taggingDirective?: Directive
}

const Directive = In.oneOf('Copy', 'Replaced')

const mustReplace = (name: string): string =>
  `must be 'Replaced' when ${name} is given (COS ignores ${name} otherwise)`

/** COS silently ignores metadata with `Copy`. */
const ignoredField = (input: CopyObjectInput): O.Option<InputProblem> => {
  const name = entityNames.find((field) => input[field] !== undefined)
  if (name !== undefined && input.copyStatus !== 'Replaced')
    return O.some(conflict('copyStatus', mustReplace(name)))
  return input.tagging !== undefined && input.taggingDirective !== 'Replaced'
    ? O.some(conflict('taggingDirective', mustReplace('tagging')))
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
  ignoredField
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
 * @units  a source of at most 5 GiB; `copy` copies any size
 * @errors `InvalidInput`; `ServiceError` 404 no such source, 403 no permission, or `InvalidObjectState` of an archived
 *         source, 412 by the conditions, 409 `FileAlreadyExists`, and with status 200 if COS failed half way, with codes
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
