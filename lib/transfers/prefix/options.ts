/** What the copying and the moving of all objects of a prefix take, and which of it goes to each object. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import { toEndpoint } from '../../core/address.js'
import type { InvalidInput } from '../../core/error.js'
import * as In from '../../core/input.js'
import { contextOf, validate } from '../../core/operation.js'
import { Bucket } from '../../core/request.js'
import { ListingCursor } from '../../operations/responses/listing-cursor.js'
import type { CopySourceConditions } from '../../operations/parameters/conditions.js'
import type { CopySource } from '../../operations/parameters/copy-source.js'
import { crossChecked } from '../../operations/parameters/validation.js'
import { QueryText } from '../../operations/parameters/listing.js'
import { copyOptions, validateCopy, type CopyInput } from '../copy/options.js'
import { refuseEmpty } from './delete-prefix.js'
import { toInputKey } from '../../core/key.js'
import { withoutEnd } from '../shared/progress.js'
import { OnItemError } from '../shared/run-each.js'

/** Where the objects are, and what their keys begin with. */
export interface PrefixSource extends Omit<CopySource, 'key' | 'versionId'> {
  /** `a/`, with its slash, or `a` and all that merely begins like it. */
  readonly prefix: string
}

/** All of `copy`'s parameters that can be meant for every object. */
export interface PrefixInput extends Omit<CopyInput, 'key' | 'copySource' | keyof CopySourceConditions> {
  /** What the new keys begin with, in place of the source's prefix; may be empty. */
  readonly prefix: string
  readonly copySource: PrefixSource
  /** Without it an empty source prefix is refused. */
  readonly wholeBucket?: boolean
  /** 5 unless said. */
  readonly concurrency?: number
  /** `continue` unless said. */
  readonly onError?: OnItemError
  /** Goes on behind it: the cursor of the last result of an earlier run. */
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
      ? O.some({ field: 'region', expected: "the region of the source's bucket, or its endpoint" })
      : O.none
)

const {
  key: _key,
  copySource: _source,
  copySourceIfMatch: _match,
  copySourceIfNoneMatch: _noneMatch,
  copySourceIfModifiedSince: _modified,
  copySourceIfUnmodifiedSince: _unmodified,
  ...toAll
} = copyOptions

const Input = In.struct<PrefixInput>('PrefixInput', {
  ...toAll,
  prefix: QueryText,
  copySource: PrefixSource,
  wholeBucket: In.optional(In.boolean),
  concurrency: In.optional(In.integer(1, 1000)),
  onError: In.optional(OnItemError),
  cursor: In.optional(ListingCursor)
})

/** What goes to the copying of one object; keys as a listing has them. */
export const toOne = (input: PrefixInput, key: string, to: string): CopyInput => {
  const {
    prefix: _prefix,
    copySource,
    wholeBucket: _whole,
    concurrency: _concurrency,
    onError: _onError,
    cursor: _cursor,
    progress,
    ...options
  } = input
  const { prefix: _sourcePrefix, ...where } = copySource
  return {
    ...options,
    ...withoutEnd(In.defined({ progress })),
    key: toInputKey(to),
    copySource: { ...where, key: toInputKey(key) }
  }
}

/**
 * Copies that fall among what is still to be listed would be listed as well, and copied again for ever, or be
 * written over objects that have yet to be read.
 */
export const fallsAmong = ({ bucket, copySource }: PrefixInput, key: string): boolean =>
  bucket === copySource.bucket && key.startsWith(copySource.prefix)

const refuseWithin =
  (action: string) =>
  (input: PrefixInput): E.Either<InvalidInput, PrefixInput> =>
    fallsAmong(input, input.prefix)
      ? E.left({
          _tag: 'InvalidInput',
          context: contextOf(action, input),
          field: 'prefix',
          expected: 'outside of the source prefix, which would grow with each copy'
        })
      : E.right(input)

/** What `copy` would say of every single object. */
const crossCheckedPrefix =
  (action: string) =>
  (input: PrefixInput): E.Either<InvalidInput, PrefixInput> =>
    pipe(
      validateCopy(action)(toOne(input, 'from', 'to')),
      E.map(() => input)
    )

export const validatePrefix =
  (action: string) =>
  (input: PrefixInput): E.Either<InvalidInput, PrefixInput> =>
    pipe(
      validate(action, Input)(input),
      E.chain((valid) => refuseEmpty(action, 'copySource.prefix')(valid.copySource.prefix, valid)),
      E.chain(refuseWithin(action)),
      E.chain(crossCheckedPrefix(action))
    )
