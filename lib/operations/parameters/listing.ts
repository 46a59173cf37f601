/** What a listing is asked for. */
import type * as t from 'io-ts'
import * as In from '../../core/input.js'

export interface Listing {
  /** Keys that begin so. */
  readonly prefix?: string
  /** One character, normally `/`: keys that have it behind the prefix are rolled up to there, into common prefixes. */
  readonly delimiter?: string
}

export interface Encoding {
  /**
   * COS is always asked to percent-encode what XML can not spell, and that is undone here. Where the caller asks for it,
   * it is not: keys, prefixes and markers are then as they came.
   */
  readonly encodingType?: 'url'
}

/** Text that a query can carry: any but lone surrogates, which have no UTF-8. */
export const QueryText: t.Type<string, string, unknown> = In.refined(
  In.text,
  'text that UTF-8 can spell, without lone surrogates',
  (text) => !/\p{Surrogate}/u.test(text)
)

/** Fields for an input's codec. */
export const listing: In.FieldsOf<Listing> = {
  prefix: In.optional(QueryText),
  delimiter: In.optional(
    In.refined(QueryText, 'one character, normally /', (text) => Array.from(text).length <= 1)
  )
}

/** Fields for an input's codec. */
export const encoding: In.FieldsOf<Encoding> = { encodingType: In.optional(In.oneOf('url')) }

/** A page has at most so many; COS cuts larger figures, or refuses them. */
export const PageSize = In.integer(1, 1000)

/** As the parameters of a query; what is empty need not be sent. */
export const listingQuery = ({
  prefix,
  delimiter
}: Listing): Readonly<Record<'prefix' | 'delimiter' | 'encoding-type', string | undefined>> => ({
  prefix: prefix || undefined,
  delimiter: delimiter || undefined,
  'encoding-type': 'url'
})
