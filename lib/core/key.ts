/** Keys: what COS takes for one, and how it is spelled in a path. Keys are flat text; a slash in one means nothing. */
import * as E from 'fp-ts/lib/Either.js'
import * as t from 'io-ts'
import { failWith } from './problem.js'

/** The longest key COS takes, in bytes of UTF-8. */
export const maxKeyBytes = 850

const loneSurrogate = /\p{Surrogate}/u
// CAN, EM, SUB and ESC: the four that COS's naming rules single out.
// eslint-disable-next-line no-control-regex
const forbidden = /[\x18-\x1b]/

/** One leading slash is dropped, as every COS SDK does: `/a` and `a` name one object. */
export const withoutLeadingSlash = (key: string): string => (key.startsWith('/') ? key.slice(1) : key)

/**
 * Says what is wrong with a key, if anything is.
 *
 * @shape  the key after its leading slash was dropped -> `Right` of it, or `Left` of the rule that it breaks
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
  // The one dotted key that no spelling hides from software that removes dot segments.
  if (key === '.' || key === '..') return E.left('must not be "." or ".."')
  return E.right(key)
}

/**
 * Whether path software on the way could normalise the key to nothing, and so turn a request for the object into
 * one for its bucket: `/`, `./`, `a/..`, `../..`.
 */
export const normalizesToEmpty = (key: string): boolean => {
  let depth = 0
  for (const segment of key.split('/')) {
    if (segment === '..') depth = Math.max(0, depth - 1)
    else if (segment !== '' && segment !== '.') depth += 1
  }
  return depth === 0
}

// Above all other UTF-16 units, for what surrogates spell lies above all that a single unit can.
const withEscapedDots = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)

/**
 * Compares as COS sorts keys: by the bytes of their UTF-8. JavaScript's own order is that of UTF-16, which has an
 * emoji before U+E000 to U+FFFF.
 */
export const compareUtf8 = (a: string, b: string): number => {
  const shorter = Math.min(a.length, b.length)
  for (let at = 0; at < shorter; at += 1) {
    const x = a.charCodeAt(at)
    const y = b.charCodeAt(at)
    if (x !== y) return withEscapedDots(x) - withEscapedDots(y)
  }
  return a.length - b.length
}

/** Percent-encodes as COS's signature demands: all but `A-Z a-z 0-9 - _ . ~`, in upper-case hex. */
export const urlEncode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

/**
 * The key in the request line. Dot segments are hidden from whatever normalises paths, by spelling the slash
 * beside them `%2F`; COS decodes it before it looks at the signature.
 *
 * @example encodeKey('a b/../c+') // 'a%20b/..%2Fc%2B'
 */
export const encodeKey = (key: string): string =>
  urlEncode(key)
    .replaceAll('%2F', '/')
    .replaceAll('./', '.%2F')
    .replace(/\/(\.{1,2})$/, '%2F$1')

/**
 * Of an input: a key that will do once its leading slash is dropped. It is dropped where the request is made, and not
 * here: a transfer judges its input and then hands it on to operations that judge it again, and of `//a` each would
 * drop one.
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
 * The `key` input that addresses a listed key. Operations drop one leading slash, as all SDKs do. A listed key that
 * begins with a slash gets one more, so that the call does not reach another object.
 */
export const toInputKey = (key: string): string => (key.startsWith('/') ? `/${key}` : key)
