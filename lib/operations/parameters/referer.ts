/** What any request may bring along. */
import * as In from '../../core/input.js'
import type { HeaderValues } from './metadata.js'

export interface WithReferer {
  /** For buckets that are guarded by it. */
  readonly referer?: string
}

/** Fields for an input's codec. */
export const withReferer: In.FieldsOf<WithReferer> = { referer: In.optional(In.headerValue) }

export const refererHeaders = ({ referer }: WithReferer): HeaderValues => ({ referer })
