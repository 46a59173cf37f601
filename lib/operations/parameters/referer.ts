/** The `Referer` header. */
import * as In from '../../core/input.js'
import type { HeaderValues } from './metadata.js'

export interface WithReferer {
  /** For buckets with a referer allow list. */
  readonly referer?: string
}

/** Fields for an input's codec. */
export const withReferer: In.FieldsOf<WithReferer> = { referer: In.optional(In.headerValue) }

export const refererHeaders = ({ referer }: WithReferer): HeaderValues => ({ referer })
