/** Responses as values, built before a byte is sent. */
import { KiB } from '../../core/limits.js'
import { escapeXml, writeXml, type Xml } from '../../core/xml.js'
import type { ServiceError } from './service-error.js'

export type ResponseBody =
  | { readonly _tag: 'None' }
  | { readonly _tag: 'Bytes'; readonly bytes: Uint8Array }
  | {
      readonly _tag: 'Stream'
      /** Absent: sent chunked. */
      readonly size?: number
      readonly open: () => AsyncIterable<Uint8Array>
      /** Called once when the response ends, whether it was opened or not. */
      readonly close: () => void
    }

export interface EmulatorResponse {
  readonly status: number
  /** COS's error code, for the request record; empty for a success. */
  readonly code: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: ResponseBody
}

type Headers = Readonly<Record<string, string>>

const declaration = "<?xml version='1.0' encoding='utf-8' ?>\n"
const asXml = { 'content-type': 'application/xml' }

export const empty = (status: number, headers: Headers = {}): EmulatorResponse => ({
  status,
  code: '',
  headers,
  body: { _tag: 'None' }
})

export const xml = (document: Xml, headers: Headers = {}): EmulatorResponse => ({
  status: 200,
  code: '',
  headers: { ...asXml, ...headers },
  body: { _tag: 'Bytes', bytes: Buffer.from(declaration + writeXml(document)) }
})

/** A stored document, as it is. */
export const documentResponse = (document: string, contentType: string): EmulatorResponse => ({
  status: 200,
  code: '',
  headers: { 'content-type': contentType },
  body: { _tag: 'Bytes', bytes: Buffer.from(document) }
})

// A write for each row would cost more than the row. Of Node's strings, in characters.
const chunkLength = 64 * KiB

/** A document of rows that are XML already, sent chunked: the first rows are sent before the last is written. */
export const xmlStream = (
  [root, top]: readonly [string, ReadonlyArray<Xml>],
  rows: Iterable<string> = [],
  headers: Headers = {}
): EmulatorResponse => ({
  status: 200,
  code: '',
  headers: { ...asXml, ...headers },
  body: {
    _tag: 'Stream',
    close: () => undefined,
    async *open() {
      let text = `${declaration}<${root}>${top.map(writeXml).join('')}`
      for (const row of rows) {
        text += row
        if (text.length < chunkLength) continue
        yield Buffer.from(text)
        text = ''
      }
      yield Buffer.from(`${text}</${root}>`)
    }
  }
})

/** The request that an error document names. */
export interface Origin {
  readonly host: string
  readonly rawPath: string
  readonly requestId: string
}

/** A longer id, as on COS, which errors have beside the request id. */
export const traceIdOf = ({ requestId }: Origin): string => Buffer.from(requestId).toString('base64')

export const errorXml = (code: string, message: string, origin: Origin): string =>
  `${declaration}<Error>${[
    ['Code', code],
    ['Message', message],
    ['Resource', `${origin.host}${origin.rawPath}`],
    ['RequestId', origin.requestId],
    ['TraceId', traceIdOf(origin)]
  ]
    .map(([name = '', text = '']) => `<${name}>${escapeXml(text)}</${name}>`)
    .join('')}</Error>`

export const fromServiceError = (error: ServiceError, origin: Origin): EmulatorResponse => ({
  status: error.status,
  code: error.code,
  headers: { ...asXml, ...error.headers },
  body: { _tag: 'Bytes', bytes: Buffer.from(errorXml(error.code, error.message, origin)) }
})
