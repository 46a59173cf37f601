/** Requests of our own making, signed or deliberately not, over node:http: a judge of the emulator from outside. */
import { createHash } from 'node:crypto'
import * as http from 'node:http'
import * as E from 'fp-ts/lib/Either.js'
import { encodeKey, urlEncode } from '../../lib/core/key.js'
import { authorizationFields, keyTime, sign } from '../../lib/core/signature.js'
import {
  type Credentials,
  formatEmulatorError,
  type Emulator,
  type EmulatorOptions,
  startEmulator
} from '../../lib/emulator/index.js'

export interface RequestInput {
  readonly method?: string
  readonly bucket?: string
  readonly key?: string
  readonly query?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  /** An iterable is sent chunked, unless headers give a length. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>
  /** `null`: without a signature. */
  readonly credentials?: Credentials | null
  /** Milliseconds of Unix time. */
  readonly now?: number
  /** Seconds. */
  readonly validFor?: number
  /** In the URL in place of the header. */
  readonly presigned?: boolean
  /** The request target as it is; the signature covers what `key` says. */
  readonly target?: string
  readonly host?: string
  readonly agent?: http.Agent
}

export interface ReceivedResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly text: string
}

const querying = (pairs: ReadonlyArray<readonly [string, string]>): string =>
  pairs.map(([name, value]) => `${urlEncode(name)}=${urlEncode(value)}`).join('&')

/** The request as node:http wants it. */
export const toHttpOptions = (emulator: Emulator, asked: RequestInput): http.RequestOptions => {
  const {
    method = 'GET',
    bucket = 'examplebucket-1250000000',
    key = '',
    query = {},
    now = Date.now()
  } = asked
  const host = asked.host ?? `${bucket}.cos.ap-guangzhou.myqcloud.com`
  const credentials = asked.credentials === undefined ? emulator.credentials : asked.credentials
  const md5 =
    method === 'POST' && typeof asked.body === 'string'
      ? { 'content-md5': createHash('md5').update(asked.body).digest('base64') }
      : {}
  const token = credentials?.token === undefined ? {} : { 'x-cos-security-token': credentials.token }
  const headers = { ...md5, ...(asked.presigned === true ? {} : token), ...asked.headers, host }
  const params = { ...query, ...(asked.presigned === true ? token : {}) }
  const fields = credentials
    ? authorizationFields(
        credentials.secretId,
        sign({
          secretId: credentials.secretId,
          secretKey: credentials.secretKey,
          keyTime: keyTime(now, asked.validFor),
          method,
          path: `/${key}`,
          query: params,
          headers: asked.presigned === true ? { host } : headers
        })
      )
    : []
  const pairs = [...Object.entries(params), ...(asked.presigned === true ? fields : [])]
  const search = pairs.length === 0 ? '' : `?${querying(pairs)}`
  return {
    host: '127.0.0.1',
    port: emulator.port,
    method,
    path: asked.target ?? `/${encodeKey(key)}${search}`,
    ...(asked.agent === undefined ? {} : { agent: asked.agent }),
    headers: {
      ...headers,
      ...(credentials && asked.presigned !== true
        ? { authorization: fields.map(([name, value]) => `${name}=${value}`).join('&') }
        : {})
    }
  }
}

const isStream = (body: RequestInput['body']): body is AsyncIterable<Uint8Array> =>
  typeof body === 'object' && Symbol.asyncIterator in body

/** Asks, and reads the whole answer. Rejects when the connection breaks. */
export const sendRequest = (emulator: Emulator, asked: RequestInput): Promise<ReceivedResponse> =>
  new Promise((resolve, reject) => {
    const request = http.request(toHttpOptions(emulator, asked), (response) => {
      const chunks: Array<Buffer> = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const body = Buffer.concat(chunks)
        const headers = Object.fromEntries(
          Object.entries(response.headers).map(([name, value]) => [name, String(value)])
        )
        resolve({ status: response.statusCode ?? 0, headers, body, text: body.toString() })
      })
    })
    request.on('error', reject)
    const { body } = asked
    if (!isStream(body)) request.end(body)
    else
      void (async () => {
        for await (const chunk of body)
          if (!request.write(chunk)) await new Promise((go) => request.once('drain', go))
        request.end()
      })().catch((thrown: unknown) =>
        request.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)))
      )
  })

/** The text of the first element of that name. */
export const readTag = (text: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1]

/** The texts of all elements of that name, in order. */
export const readTags = (text: string, name: string): ReadonlyArray<string> =>
  [...text.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map((match) => match[1] ?? '')

interface Teardown {
  readonly teardown: (clean: () => unknown) => unknown
}

/** An emulator that closes with the test. */
export const startTestEmulator = async (t: Teardown, options: EmulatorOptions = {}): Promise<Emulator> => {
  const started = await startEmulator(options)()
  if (E.isLeft(started)) throw new Error(formatEmulatorError(started.left), { cause: started.left })
  t.teardown(started.right.close)
  return started.right
}

/** A completion's XML. */
export const completionXml = (etags: ReadonlyArray<string>): string =>
  `<CompleteMultipartUpload>${etags
    .map((etag, at) => `<Part><PartNumber>${String(at + 1)}</PartNumber><ETag>${etag}</ETag></Part>`)
    .join('')}</CompleteMultipartUpload>`

/** Begins an upload, with `Content-Length: 0` as COS wants it; its id. */
export const initiate = async (
  emulator: Emulator,
  key: string,
  asked: Partial<RequestInput> = {}
): Promise<string> => {
  const headers = { 'content-length': '0', ...asked.headers }
  const told = await sendRequest(emulator, { ...asked, method: 'POST', key, query: { uploads: '' }, headers })
  return readTag(told.text, 'UploadId') ?? ''
}
