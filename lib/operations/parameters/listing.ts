/** Parameters that the listings share. */
import type * as t from 'io-ts'
import * as In from '../../core/input.js'

export interface Listing {
  /** Lists keys with this prefix. */
  readonly prefix?: string
  /**
   * Usually `/`. Keys that contain it after the prefix are grouped: each common prefix ends with it. COS's error table has
   * 400 `InvalidDelimiter` for more than one character.
   */
  readonly delimiter?: string
}

export interface Encoding {
  /**
   * Every listing requests percent-encoding, as XML cannot express all characters, and decodes it. `url` returns keys,
   * prefixes and markers percent-encoded, as COS sent them.
   */
  readonly encodingType?: 'url'
}

/** Text for a query: any text except lone surrogates, which have no UTF-8. */
export const QueryText: t.Type<string, string, unknown> = In.refined(
  In.text,
  'a string without lone surrogates (UTF-8 cannot encode them)',
  (text) => !/\p{Surrogate}/u.test(text)
)

/** Fields for an input's codec. */
export const listing: In.FieldsOf<Listing> = {
  prefix: In.optional(QueryText),
  delimiter: In.optional(QueryText)
}

/** Fields for an input's codec. */
export const encoding: In.FieldsOf<Encoding> = { encodingType: In.optional(In.oneOf('url')) }

/** Entries per page; COS reduces or refuses larger numbers. */
export const PageSize = In.integer(1, 1000)

/** Query parameters; empty texts are not sent. */
export const listingQuery = ({
  prefix,
  delimiter
}: Listing): Readonly<Record<'prefix' | 'delimiter' | 'encoding-type', string | undefined>> => ({
  prefix: prefix || undefined,
  delimiter: delimiter || undefined,
  'encoding-type': 'url'
})
