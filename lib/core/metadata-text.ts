/**
 * Metadata values as header values: percent-encoded UTF-8, as COS's SDKs and its console write them.
 *
 * A header carries bytes, and printable ASCII survives every proxy. ASCII is sent unchanged, except a percent sign that a
 * reader would decode as an escape. Values that other clients wrote in another encoding are returned as they are.
 */

// eslint-disable-next-line no-control-regex
const control = /[\x00-\x1f\x7f]|\p{Surrogate}/u

/** Any text without control characters and lone surrogates, which have no UTF-8. */
export const isMetadataText = (text: string): boolean => !control.test(text)

/**
 * @example encodeMetadata('Müller') // 'M%C3%BCller'
 * @example encodeMetadata('100%') // '100%'
 * @example encodeMetadata('%41') // '%2541'
 */
export const encodeMetadata = (text: string): string =>
  text
    .replace(/%(?=[0-9a-f]{2})/gi, '%25')
    .replace(/[^\x20-\x7e]+/g, encodeURIComponent)
    // HTTP drops spaces at the ends of a value.
    .replace(/^ +| +$/g, (spaces) => '%20'.repeat(spaces.length))

/** Decodes values that `encodeMetadata` or COS's SDKs wrote. Escapes that are not UTF-8 stay as they are. */
export const decodeMetadata = (value: string): string =>
  value.replace(/(?:%[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run)
    } catch {
      return run
    }
  })
