/** The source of a copy. */
import * as O from 'fp-ts/lib/Option.js'
import { hostOf, toEndpoint } from '../../core/address.js'
import * as In from '../../core/input.js'
import { Key, encodeKey, urlEncode, withoutLeadingSlash } from '../../core/key.js'
import { missing } from '../../core/problem.js'
import * as R from '../../core/request.js'
import { copySourceConditionHeaders, copySourceConditions, type CopySourceConditions } from './conditions.js'
import { CustomerKey, copySourceEncryptionHeaders } from './encryption.js'
import { crossChecked } from './validation.js'
import type { HeaderValues } from './metadata.js'
import { VersionId } from './versions.js'

export interface CopySource {
  /** The full name, `{name}-{appid}`. */
  readonly bucket: string
  /** Region of the source's bucket; this or `endpoint` is required. */
  readonly region?: string
  /** Such as `cos.ap-guangzhou.myqcloud.com`; takes precedence over `region`. */
  readonly endpoint?: string
  /** Not encoded. */
  readonly key: string
  /** Default: the latest version. */
  readonly versionId?: string
}

export interface WithCopySource extends CopySourceConditions {
  readonly copySource: CopySource
  /** The customer key that the source was encrypted with. */
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
      ? O.some(missing('region', 'is required (or endpoint)'))
      : O.none
)

/** Fields for an input's codec. */
export const withCopySource: In.FieldsOf<WithCopySource> = {
  ...copySourceConditions,
  copySource: CopySource,
  copySourceSse: In.optional(CustomerKey)
}

/** Host and path, without a scheme. The signature encodes this text again; the header has it as it is. */
const sourceText = ({ key, versionId, ...location }: CopySource): string =>
  `${hostOf(location, location.bucket)}/${encodeKey(withoutLeadingSlash(key))}${
    versionId === undefined ? '' : `?versionId=${urlEncode(versionId)}`
  }`

export const copySourceHeaders = (input: WithCopySource): HeaderValues => ({
  'x-cos-copy-source': sourceText(input.copySource),
  ...copySourceConditionHeaders(input),
  ...copySourceEncryptionHeaders(input.copySourceSse)
})
