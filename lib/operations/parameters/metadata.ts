/** Entity headers: set when an object is written, and returned with it. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import * as In from '../../core/input.js'
import { encodeMetadata, isMetadataText } from '../../core/metadata-text.js'
import * as W from '../../core/wire.js'
import { failWith } from '../../core/problem.js'
import { textOr } from './validation.js'

/** Header values by name; `undefined` is not sent. */
export type HeaderValues = Readonly<Record<string, string | number | boolean | undefined>>

export interface EntityMetadata {
  readonly cacheControl?: string
  readonly contentDisposition?: string
  /** Stored and returned; COS neither compresses nor decompresses. */
  readonly contentEncoding?: string
  readonly contentLanguage?: string
  /** Default: chosen by COS by the suffix of the key; `application/octet-stream` if the suffix is unknown. */
  readonly contentType?: string
  /** A date, or text that is stored unchanged. */
  readonly expires?: Date | string
  /**
   * Text by name. A name has letters, digits and hyphens, with or without the `x-cos-meta-` prefix, and is returned in
   * lower case. COS stores about 2 KB. A value is any text without control characters: it is sent as percent-encoded
   * UTF-8, and decoded by `headObject` and `getObject`. To send a value unchanged, use `headers`.
   */
  readonly metadata?: Readonly<Record<string, string>>
}

const prefix = 'x-cos-meta-'

const metaName = (name: string): string => {
  const lower = name.toLowerCase()
  return lower.startsWith(prefix) ? lower : `${prefix}${lower}`
}

const byName = t.record(
  In.text,
  In.refined(In.text, 'a string without control characters and lone surrogates', isMetadataText),
  'an object of strings'
)

/** Decodes to headers. Two spellings of one name are invalid: they would be one header, and lose a value. */
const Metadata: t.Type<Readonly<Record<string, string>>, unknown, unknown> = new t.Type(
  'text by name',
  byName.is,
  (u, context) =>
    pipe(
      byName.validate(u, context),
      E.chain((metadata) => {
        const names = Object.keys(metadata)
        const headers = names.map(metaName)
        const refuse = (name: string, message: string) =>
          failWith<never>(u, t.appendContext(context, name, t.unknown), { problem: 'invalid', message })
        const odd = names.find((name) => !/^x-cos-meta-[a-z0-9-]+$/.test(metaName(name)))
        if (odd !== undefined) return refuse(odd, 'must have a name of letters, digits and hyphens')
        const again = names.find((name, at) => headers.indexOf(metaName(name)) < at)
        return again === undefined
          ? t.success(
              Object.fromEntries(Object.entries(metadata).map(([name, value]) => [metaName(name), value]))
            )
          : refuse(again, `must not repeat the header ${metaName(again)}`)
      })
    ),
  t.identity
)

const Expires = textOr(In.headerValue, In.date)

/** Fields for an input's codec. */
export const entityMetadata: In.FieldsOf<EntityMetadata> = {
  cacheControl: In.optional(In.headerValue),
  contentDisposition: In.optional(In.headerValue),
  contentEncoding: In.optional(In.headerValue),
  contentLanguage: In.optional(In.headerValue),
  contentType: In.optional(In.headerValue),
  expires: In.optional(Expires),
  metadata: In.optional(In.secret(Metadata))
}

/** The fields of `EntityMetadata`, in order. */
export const entityNames = [
  'cacheControl',
  'contentDisposition',
  'contentEncoding',
  'contentLanguage',
  'contentType',
  'expires',
  'metadata'
] as const satisfies ReadonlyArray<keyof EntityMetadata>

export const entityHeaders = (input: EntityMetadata): HeaderValues => ({
  'cache-control': input.cacheControl,
  'content-disposition': input.contentDisposition,
  'content-encoding': input.contentEncoding,
  'content-language': input.contentLanguage,
  'content-type': input.contentType,
  expires: input.expires instanceof Date ? W.HttpDate.encode(input.expires) : input.expires,
  ...(input.metadata === undefined
    ? {}
    : Object.fromEntries(
        Object.entries(input.metadata).map(([name, value]) => [name, encodeMetadata(value)])
      ))
})
