/** Keys: which texts COS accepts as a key, and how a key is written in a path. Keys are flat text without folders. */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { failWith } from './problem.js'

/** The longest key that COS accepts, in bytes of UTF-8. */
export const maxKeyBytes = 850

const loneSurrogate = /\p{Surrogate}/u
// CAN, EM, SUB and ESC: the control characters that COS's naming rules forbid.
// eslint-disable-next-line no-control-regex
const forbidden = /[\x18-\x1b]/

/** One leading slash is dropped, as every COS SDK does: `/a` and `a` name one object. */
export const withoutLeadingSlash = (key: string): string => (key.startsWith('/') ? key.slice(1) : key)

/**
 * Checks a key against COS's rules.
 *
 * @shape  the key without its leading slash -> `Right` of the key, or `Left` of the rule that it breaks
 * @units  850 bytes of UTF-8, not characters
 * @source https://cloud.tencent.com/document/product/436/13324
 */
export const checkKey = (key: string): E.Either<string, string> => {
  // PUT, GET and DELETE of the empty key would act on the bucket.
  if (key === '') return E.left('must not be empty')
  if (loneSurrogate.test(key)) return E.left('must not contain lone surrogates (UTF-8 cannot encode them)')
  if (Buffer.byteLength(key) > maxKeyBytes)
    return E.left(`must be at most ${String(maxKeyBytes)} bytes of UTF-8`)
  if (forbidden.test(key)) return E.left('must not contain the control characters U+0018 to U+001B')
  // No spelling of these two keys survives software that removes dot segments.
  if (key === '.' || key === '..') return E.left('must not be "." or ".."')
  return E.right(key)
}

/**
 * Whether the key, normalized as a path, is empty: `/`, `./`, `a/..`, `../..`. A proxy that normalizes paths would turn a
 * request for such an object into one for its bucket.
 */
export const normalizesToEmpty = (key: string): boolean => {
  if (!key.includes('.')) return /^\/*$/.test(key)
  let depth = 0
  for (const segment of key.split('/')) {
    if (segment === '..') depth = Math.max(0, depth - 1)
    else if (segment !== '' && segment !== '.') depth += 1
  }
  return depth === 0
}

// Sorts surrogates after all other UTF-16 units: they encode code points above those of single units.
const utf8Order = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)

/**
 * Compares as COS sorts keys: by the bytes of their UTF-8. JavaScript sorts by UTF-16, which puts an emoji before U+E000
 * to U+FFFF.
 */
export const compareUtf8 = (a: string, b: string): number => {
  const shorter = Math.min(a.length, b.length)
  for (let at = 0; at < shorter; at += 1) {
    const x = a.charCodeAt(at)
    const y = b.charCodeAt(at)
    if (x !== y) return utf8Order(x) - utf8Order(y)
  }
  return a.length - b.length
}

// Most names and keys: nothing in them is encoded.
const unreserved = /^[\w.~-]*$/
const plainPath = /^[\w.~/-]*$/

/** Percent-encodes as COS's signature requires: all characters except `A-Z a-z 0-9 - _ . ~`, in upper-case hex. */
export const urlEncode = (text: string): string =>
  unreserved.test(text)
    ? text
    : encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

/**
 * The key in the request line. The slash next to a dot segment is written `%2F`, so that software that normalizes paths
 * does not see the segment. COS decodes it before it verifies the signature.
 *
 * @example encodeKey('a b/../c+') // 'a%20b/..%2Fc%2B'
 */
export const encodeKey = (key: string): string => {
  const encoded = plainPath.test(key) ? key : urlEncode(key).replaceAll('%2F', '/')
  return encoded.includes('./') || encoded.includes('/.')
    ? encoded.replaceAll('./', '.%2F').replace(/\/(\.{1,2})$/, '%2F$1')
    : encoded
}

/**
 * The codec of `key` in inputs: a key that is valid without its leading slash. The slash is removed when the request is
 * made, not here: a transfer validates its input and passes it to operations that validate it again, and each would
 * remove one slash of `//a`.
 */
export const Key: t.Type<string, string, unknown> = new t.Type(
  'a key',
  t.string.is,
  (u, context) => {
    if (typeof u !== 'string') return t.failure(u, context, 'a string')
    const checked = checkKey(withoutLeadingSlash(u))
    return E.isLeft(checked)
      ? failWith(u, context, { problem: 'invalid', message: checked.left })
      : t.success(u)
  },
  t.identity
)

/**
 * The `key` input that addresses a listed key. Operations drop one leading slash, as all SDKs do. A listed key that starts
 * with a slash gets one more, so that the call does not address another object.
 */
export const toInputKey = (key: string): string => (key.startsWith('/') ? `/${key}` : key)
