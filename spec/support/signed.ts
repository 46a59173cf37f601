/** Requests over node:http, signed correctly or not, to test the emulator without the client. */
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
  /** `null`: unsigned. */
  readonly credentials?: Credentials | null
  /** Milliseconds of Unix time. */
  readonly now?: number
  /** Seconds. */
  readonly validFor?: number
  /** Signs the URL instead of the Authorization header. */
  readonly presigned?: boolean
  /** The request target on the wire; the signature covers `key` and `query`. */
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

const queryText = (pairs: ReadonlyArray<readonly [string, string]>): string =>
  pairs.map(([name, value]) => `${urlEncode(name)}=${urlEncode(value)}`).join('&')

/** The options of a request for node:http. */
export const toHttpOptions = (emulator: Emulator, input: RequestInput): http.RequestOptions => {
  const {
    method = 'GET',
    bucket = 'examplebucket-1250000000',
    key = '',
    query = {},
    now = Date.now()
  } = input
  const host = input.host ?? `${bucket}.cos.ap-guangzhou.myqcloud.com`
  const credentials = input.credentials === undefined ? emulator.credentials : input.credentials
  const md5 =
    method === 'POST' && typeof input.body === 'string'
      ? { 'content-md5': createHash('md5').update(input.body).digest('base64') }
      : {}
  const token = credentials?.token === undefined ? {} : { 'x-cos-security-token': credentials.token }
  const headers = { ...md5, ...(input.presigned === true ? {} : token), ...input.headers, host }
  const params = { ...query, ...(input.presigned === true ? token : {}) }
  const fields = credentials
    ? Object.entries(
        authorizationFields(
          credentials.secretId,
          sign({
            secretId: credentials.secretId,
            secretKey: credentials.secretKey,
            keyTime: keyTime(now, input.validFor),
            method,
            path: `/${key}`,
            query: params,
            headers: input.presigned === true ? { host } : headers
          })
        )
      )
    : []
  const pairs = [...Object.entries(params), ...(input.presigned === true ? fields : [])]
  const search = pairs.length === 0 ? '' : `?${queryText(pairs)}`
  return {
    host: '127.0.0.1',
    port: emulator.port,
    method,
    path: input.target ?? `/${encodeKey(key)}${search}`,
    ...(input.agent === undefined ? {} : { agent: input.agent }),
    headers: {
      ...headers,
      ...(credentials && input.presigned !== true
        ? { authorization: fields.map(([name, value]) => `${name}=${value}`).join('&') }
        : {})
    }
  }
}

const isStream = (body: RequestInput['body']): body is AsyncIterable<Uint8Array> =>
  typeof body === 'object' && Symbol.asyncIterator in body

/** Sends a request and reads the whole response. Rejects if the connection breaks. */
export const sendRequest = (emulator: Emulator, input: RequestInput): Promise<ReceivedResponse> =>
  new Promise((resolve, reject) => {
    const request = http.request(toHttpOptions(emulator, input), (response) => {
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
    const { body } = input
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

/** The text of the first element with this name. */
export const readTag = (text: string, name: string): string | undefined =>
  new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1]

/** `403 AccessDenied`: the status of a response, and the code of its error document. */
export const statusAndCode = ({ status, text }: Pick<ReceivedResponse, 'status' | 'text'>): string =>
  `${String(status)} ${readTag(text, 'Code') ?? ''}`

/** The texts of all elements with this name, in order. */
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

/** The XML of a completion. */
export const completionXml = (etags: ReadonlyArray<string>): string =>
  `<CompleteMultipartUpload>${etags
    .map((etag, at) => `<Part><PartNumber>${String(at + 1)}</PartNumber><ETag>${etag}</ETag></Part>`)
    .join('')}</CompleteMultipartUpload>`

/** Creates a multipart upload, with `Content-Length: 0` as on COS's page; returns its id. */
export const initiate = async (
  emulator: Emulator,
  key: string,
  input: Partial<RequestInput> = {}
): Promise<string> => {
  const headers = { 'content-length': '0', ...input.headers }
  const response = await sendRequest(emulator, {
    ...input,
    method: 'POST',
    key,
    query: { uploads: '' },
    headers
  })
  return readTag(response.text, 'UploadId') ?? ''
}
