/** COS's request signature. Each step has COS's own name for it, so that the code can be read beside COS's page. */
import { createHmac, hash } from 'node:crypto'
import { urlEncode } from './key.js'

export interface ToSign {
  readonly secretId: string
  readonly secretKey: string
  /** The sign key of `secretKey` and `keyTime`, if it is already known. */
  readonly signKey?: string
  /** `start;end` in seconds of Unix time. */
  readonly keyTime: string
  readonly method: string
  /** Decoded, with its leading slash. */
  readonly path: string
  /** Decoded names and values. */
  readonly query: Readonly<Record<string, string>>
  /** Only the headers that are signed. */
  readonly headers: Readonly<Record<string, string>>
}

/** The text of each step of the signature. The first wrong text shows which step is wrong. */
export interface Signature {
  readonly keyTime: string
  readonly urlParamList: string
  readonly httpParameters: string
  readonly headerList: string
  readonly httpHeaders: string
  readonly httpString: string
  readonly stringToSign: string
  readonly signature: string
}

const hmac = (key: string, message: string): string => createHmac('sha1', key).update(message).digest('hex')
const sha1 = (text: string): string => hash('sha1', text)

/** `now` in milliseconds, the others in seconds. The start is in the past, to tolerate clocks that differ a little. */
export const keyTime = (now: number, validFor = 900, since = 60): string => {
  const seconds = Math.floor(now / 1000)
  return `${String(seconds - since)};${String(seconds + validFor)}`
}

export const signKey = (secretKey: string, time: string): string => hmac(secretKey, time)

/**
 * Percent-encodes a header value as it is sent and received: one byte for each character up to U+00FF (Latin-1). COS
 * verifies the bytes, whatever they encode.
 *
 * @example encodeHeaderBytes('ü a') // '%FC%20a'
 */
export const encodeHeaderBytes = (value: string): string =>
  /[\x80-\xff]/.test(value)
    ? value.replace(/[^\x80-\xff]+|[\x80-\xff]+/g, (run) =>
        run.charCodeAt(0) >= 0x80 && run.charCodeAt(0) <= 0xff
          ? Buffer.from(run, 'latin1').toString('hex').toUpperCase().replace(/../g, '%$&')
          : urlEncode(run)
      )
    : urlEncode(value)

interface SignedList {
  readonly list: string
  readonly pairs: string
}

type Pair = readonly [name: string, value: string]

// By the encoded name, as COS does: sorting the decoded names differs for `[` and `/`.
const byName = ([a]: Pair, [b]: Pair): number => (a < b ? -1 : a > b ? 1 : 0)

const signedList = (
  values: Readonly<Record<string, string>>,
  encode: (value: string) => string
): SignedList => {
  const encoded: Array<Pair> = []
  for (const name of Object.keys(values)) {
    encoded.push([urlEncode(name).toLowerCase(), encode(values[name] ?? '')])
  }
  encoded.sort(byName)
  let list = ''
  let pairs = ''
  for (const [name, value] of encoded) {
    list += list === '' ? name : `;${name}`
    pairs += pairs === '' ? `${name}=${value}` : `&${name}=${value}`
  }
  return { list, pairs }
}

/**
 * Signs a request.
 *
 * @shape  the signed parts of a request -> the text of each step and the signature, lower-case hex
 * @units  `keyTime` in seconds
 * @errors none; lone surrogates are refused before a request is built
 * @source https://cloud.tencent.com/document/product/436/7778
 */
export const sign = (request: ToSign, encodeHeader: (value: string) => string = urlEncode): Signature => {
  const params = signedList(request.query, urlEncode)
  const headers = signedList(request.headers, encodeHeader)
  const httpString = `${request.method.toLowerCase()}\n${request.path}\n${params.pairs}\n${headers.pairs}\n`
  const stringToSign = `sha1\n${request.keyTime}\n${sha1(httpString)}\n`
  return {
    keyTime: request.keyTime,
    urlParamList: params.list,
    httpParameters: params.pairs,
    headerList: headers.list,
    httpHeaders: headers.pairs,
    httpString,
    stringToSign,
    signature: hmac(request.signKey ?? signKey(request.secretKey, request.keyTime), stringToSign)
  }
}

/** The seven fields in the order that COS requires. */
export const authorizationFields = (
  secretId: string,
  signed: Signature
): Readonly<Record<string, string>> => ({
  'q-sign-algorithm': 'sha1',
  'q-ak': secretId,
  'q-sign-time': signed.keyTime,
  'q-key-time': signed.keyTime,
  'q-header-list': signed.headerList,
  'q-url-param-list': signed.urlParamList,
  'q-signature': signed.signature
})

/** The value of the `Authorization` header. */
export const authorization = (
  request: ToSign,
  encodeHeader: (value: string) => string = urlEncode
): string => {
  const fields = authorizationFields(request.secretId, sign(request, encodeHeader))
  let text = ''
  for (const name of Object.keys(fields)) {
    text += `${text === '' ? '' : '&'}${name}=${fields[name] ?? ''}`
  }
  return text
}

const alsoSigned = new Set([
  'content-disposition',
  'content-encoding',
  'content-length',
  'content-md5',
  'expires',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-unmodified-since',
  'pic-operations',
  'range'
])

/**
 * Whether a header is signed: those that change the meaning of the request are. `content-type`, `cache-control`, `expect`
 * and similar headers are not, because runtimes and proxies rewrite them.
 */
export const isSigned = (name: string): boolean =>
  alsoSigned.has(name) || name.startsWith('x-cos-') || name.startsWith('x-ci-')
