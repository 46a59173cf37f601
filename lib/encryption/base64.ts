/** Base64, read strictly: each text has one value, and each value one text. */
import * as O from 'fp-ts/lib/Option.js'

/**
 * Decodes base64 of the standard alphabet with padding. White space around it is allowed.
 *
 * `Buffer.from` skips characters outside the alphabet and takes the URL-safe letters too, so that a damaged key would
 * become another key. The bytes are encoded again and compared: bits of the last character that no byte uses are zero.
 */
export const decodeBase64 = (text: string): O.Option<Uint8Array> => {
  const trimmed = text.trim()
  const bytes = Buffer.from(trimmed, 'base64')
  return bytes.toString('base64') === trimmed ? O.some(bytes) : O.none
}
