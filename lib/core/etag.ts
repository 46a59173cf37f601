/** ETags as HTTP compares them. COS's are strong. A proxy that may change a response makes them weak: `W/"..."`. */

const weak = /^W\//i

/** A weak ETag never matches `If-Match` (RFC 9110, 13.1.1). */
export const isWeakEtag = (etag: string): boolean => weak.test(etag)

/** COS's own ETag, from one that a proxy has weakened: for conditions that COS evaluates. */
export const strongEtag = (etag: string): string => etag.replace(weak, '')

/** Whether two ETags stand for the same content: the weak comparison of RFC 9110, 8.8.3.2. */
export const isSameEtag = (a: string, b: string): boolean => strongEtag(a) === strongEtag(b)
