/** Where the bytes of a copy come from. */
import * as O from 'fp-ts/lib/Option.js'
import { hostOf, toEndpoint } from '../../core/address.js'
import * as In from '../../core/input.js'
import { Key, encodeKey, urlEncode, withoutLeadingSlash } from '../../core/key.js'
import * as R from '../../core/request.js'
import { copySourceConditionHeaders, copySourceConditions, type CopySourceConditions } from './conditions.js'
import { CustomerKey, copySourceEncryptionHeaders } from './encryption.js'
import { crossChecked } from './validation.js'
import type { HeaderValues } from './metadata.js'
import { VersionId } from './versions.js'

export interface CopySource {
  /** The whole name, `{name}-{appid}`. */
  readonly bucket: string
  /** Of the source's bucket; this or `endpoint`. */
  readonly region?: string
  /** Such as `cos.ap-guangzhou.myqcloud.com`; wins over `region`. */
  readonly endpoint?: string
  /** As it is, unencoded. */
  readonly key: string
  /** One version instead of the latest. */
  readonly versionId?: string
}

export interface WithCopySource extends CopySourceConditions {
  readonly copySource: CopySource
  /** The key of a source that its writer encrypted. */
  readonly copySourceSse?: CustomerKey
}

export const CopySource = crossChecked<CopySource>(
  In.struct<CopySource>('a copy source, { bucket, region, key }', {
    bucket: R.Bucket,
    region: toEndpoint.region,
    endpoint: toEndpoint.endpoint,
    key: Key,
    versionId: In.optional(VersionId)
  }),
  (source) =>
    source.region === undefined && source.endpoint === undefined
      ? O.some({ field: 'region', expected: "the region of the source's bucket, or its endpoint" })
      : O.none
)

/** Fields for an input's codec. */
export const withCopySource: In.FieldsOf<WithCopySource> = {
  ...copySourceConditions,
  copySource: CopySource,
  copySourceSse: In.optional(CustomerKey)
}

/** Host and path, without a scheme: the signature encodes this once more, the header does not. */
const sourceText = ({ key, versionId, ...where }: CopySource): string =>
  `${hostOf(where, where.bucket)}/${encodeKey(withoutLeadingSlash(key))}${
    versionId === undefined ? '' : `?versionId=${urlEncode(versionId)}`
  }`

export const copySourceHeaders = (input: WithCopySource): HeaderValues => ({
  'x-cos-copy-source': sourceText(input.copySource),
  ...copySourceConditionHeaders(input),
  ...copySourceEncryptionHeaders(input.copySourceSse)
})
