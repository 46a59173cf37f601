/** What any request may bring along. */
import * as In from '../../core/input.js'
import type { HeaderValues } from './metadata.js'

export interface Requesting {
  /** For buckets that are guarded by it. */
  readonly referer?: string
}

/** Fields for an input's codec. */
export const requesting: In.FieldsOf<Requesting> = { referer: In.optional(In.headerValue) }

export const requestingHeaders = ({ referer }: Requesting): HeaderValues => ({ referer })
