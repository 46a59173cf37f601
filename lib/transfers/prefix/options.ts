/** Options of `copyPrefix` and `movePrefix`, and the options each object's copy receives. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import { toEndpoint } from '../../core/address.js'
import { invalidInput, type InvalidInput } from '../../core/error.js'
import * as In from '../../core/input.js'
import { contextOf, validate } from '../../core/operation.js'
import { conflict, missing } from '../../core/problem.js'
import { Bucket } from '../../core/request.js'
import { ListingCursor } from '../../operations/responses/listing-cursor.js'
import type { CopySourceConditions } from '../../operations/parameters/conditions.js'
import type { CopySource } from '../../operations/parameters/copy-source.js'
import { crossChecked } from '../../operations/parameters/validation.js'
import { QueryText } from '../../operations/parameters/listing.js'
import { copyOptions, validateCopy, type CopyInput } from '../copy/options.js'
import { refuseEmpty } from './delete-prefix.js'
import { toInputKey } from '../../core/key.js'
import { Concurrency } from '../shared/concurrency.js'
import { withoutEnd } from '../shared/progress.js'
import { OnItemError } from '../shared/run-each.js'

/** Bucket, region and prefix of the objects. */
export interface PrefixSource extends Omit<CopySource, 'key' | 'versionId'> {
  /** Start of the keys. `a/` matches the folder; `a` also matches `ab` and `a.txt`. */
  readonly prefix: string
}

/** All options of `copy` that can apply to every object. */
export interface PrefixInput extends Omit<CopyInput, 'key' | 'copySource' | keyof CopySourceConditions> {
  /** Replaces the source prefix in the new keys; may be empty. */
  readonly prefix: string
  readonly copySource: PrefixSource
  /** Must be true if `copySource.prefix` is empty. Default: false. */
  readonly wholeBucket?: boolean
  /** Objects in progress, 1 to 1,000. `'auto'`: as many requests as the service takes, at most 64. Default: 5. */
  readonly concurrency?: number | 'auto'
  /** Requests in flight for one object that is copied in parts, 1 to 1,000. Default: 5. */
  readonly partConcurrency?: number | 'auto'
  /** `'continue'`: a failure is a result. `'stop'`: the stream fails with it. Default: `'continue'`. */
  readonly onError?: OnItemError
  /** Resumes after this position: the cursor of the last result of an earlier run. Default: the first object. */
  readonly cursor?: ListingCursor
}

const PrefixSource = crossChecked<PrefixSource>(
  In.struct<PrefixSource>('a copy source, { bucket, region, prefix }', {
    bucket: Bucket,
    region: toEndpoint.region,
    endpoint: toEndpoint.endpoint,
    prefix: QueryText
  }),
  (source) =>
    source.region === undefined && source.endpoint === undefined
      ? O.some(missing('region', 'is required (or endpoint)'))
      : O.none
)

const {
  key: _key,
  copySource: _source,
  copySourceIfMatch: _match,
  copySourceIfNoneMatch: _noneMatch,
  copySourceIfModifiedSince: _modified,
  copySourceIfUnmodifiedSince: _unmodified,
  ...sharedOptions
} = copyOptions

const Input = In.struct<PrefixInput>('PrefixInput', {
  ...sharedOptions,
  prefix: QueryText,
  copySource: PrefixSource,
  wholeBucket: In.optional(In.boolean),
  concurrency: In.optional(Concurrency),
  partConcurrency: In.optional(Concurrency),
  onError: In.optional(OnItemError),
  cursor: In.optional(ListingCursor)
})

/** The input for copying one object. Keys are as a listing returns them. */
export const objectInput = (input: PrefixInput, key: string, to: string): CopyInput => {
  const {
    prefix: _prefix,
    copySource,
    wholeBucket: _wholeBucket,
    concurrency: _concurrency,
    partConcurrency,
    onError: _onError,
    cursor: _cursor,
    progress,
    onProgress: _onProgress,
    ...options
  } = input
  const { prefix: _sourcePrefix, ...source } = copySource
  return {
    ...options,
    ...In.defined({ concurrency: partConcurrency }),
    ...withoutEnd(In.defined({ progress })),
    key: toInputKey(to),
    copySource: { ...source, key: toInputKey(key) }
  }
}

/**
 * Whether a copy would land among the sources. It could then be listed as a source and copied again without end, or overwrite
 * an object that has not been read yet.
 */
export const landsAmongSources = ({ bucket, copySource }: PrefixInput, key: string): boolean =>
  bucket === copySource.bucket && key.startsWith(copySource.prefix)

const refuseNestedPrefix =
  (action: string) =>
  (input: PrefixInput): E.Either<InvalidInput, PrefixInput> =>
    landsAmongSources(input, input.prefix)
      ? E.left(
          invalidInput(
            contextOf(action, input),
            conflict(
              'prefix',
              'must not be below copySource.prefix (the copies would be listed and copied again)'
            )
          )
        )
      : E.right(input)

/** The checks that `copy` would make for each object, made once. */
const crossCheckedPrefix =
  (action: string) =>
  (input: PrefixInput): E.Either<InvalidInput, PrefixInput> =>
    pipe(
      validateCopy(action)(objectInput(input, 'from', 'to')),
      E.map(() => input)
    )

export const validatePrefix =
  (action: string) =>
  (input: PrefixInput): E.Either<InvalidInput, PrefixInput> =>
    pipe(
      validate(action, Input)(input),
      E.chain((valid) => refuseEmpty(action, 'copySource.prefix')(valid.copySource.prefix, valid)),
      E.chain(refuseNestedPrefix(action)),
      E.chain(crossCheckedPrefix(action))
    )
