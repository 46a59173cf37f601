/** Errors that COS responds with: read from XML, from a gateway's JSON, from a page, or from the status alone. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as T from 'fp-ts/lib/Task.js'
import * as t from 'io-ts'
import { readPartially, type Decoder } from './decoder.js'
import type { Element } from './element.js'
import type { CosError, ServiceError } from './error.js'
import { KiB } from './limits.js'
import type { Response } from './response.js'
import { xmlReader } from './xml.js'

const codeByStatus: Readonly<Record<number, string>> = {
  304: 'NotModified',
  400: 'InvalidRequest',
  403: 'AccessDenied',
  404: 'NoSuchResource',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  411: 'MissingContentLength',
  412: 'PreconditionFailed',
  416: 'InvalidRange',
  429: 'TooManyRequests',
  500: 'InternalError',
  501: 'NotImplemented',
  503: 'ServiceUnavailable'
}

interface ErrorDocument {
  readonly code: string
  readonly message: string
  readonly resource: string
  readonly requestId: string
  readonly traceId: string
}

/** A `ServiceError` from the fields of a body; the headers and the status have the others. */
export const serviceError = (response: Response, read: Partial<ErrorDocument>): ServiceError => ({
  _tag: 'ServiceError',
  context: response.context,
  status: response.status,
  code: read.code || response.headers['x-cos-error-code'] || (codeByStatus[response.status] ?? 'Unknown'),
  message: read.message ?? '',
  resource: read.resource ?? '',
  requestId: read.requestId || (response.headers['x-cos-request-id'] ?? ''),
  traceId: read.traceId || (response.headers['x-cos-trace-id'] ?? ''),
  headers: response.headers
})

export const errorFieldsOf = (rows: ReadonlyArray<Element>): Partial<ErrorDocument> => {
  const text = Object.fromEntries(rows.map((row) => [row.name, row.text]))
  return {
    code: text['Code'] ?? '',
    message: text['Message'] ?? '',
    resource: text['Resource'] ?? '',
    requestId: text['RequestId'] ?? '',
    traceId: text['TraceId'] ?? text['HostId'] ?? ''
  }
}

const JsonErrorDocument = t.partial({
  code: t.union([t.string, t.number]),
  Code: t.string,
  message: t.string,
  Message: t.string,
  requestid: t.string,
  RequestId: t.string
})

const fromJson = (text: string): O.Option<Partial<ErrorDocument>> =>
  pipe(
    O.tryCatch((): unknown => JSON.parse(text)),
    O.chain((json) => O.fromEither(JsonErrorDocument.decode(json))),
    O.map((fields) => ({
      code: String(fields.Code ?? fields.code ?? ''),
      message: fields.Message ?? fields.message ?? '',
      requestId: fields.RequestId ?? fields.requestid ?? ''
    })),
    O.filter((fields) => fields.code !== '' || fields.message !== '')
  )

/** The start of a document of COS that has no complete field. */
const isIncompleteXml = (text: string): boolean => /^\s*<(?!html|!doctype)/i.test(text) && !/>\s*$/.test(text)

/** The readable part of an error's body: COS's XML, even if incomplete; a gateway's JSON; or the start of a page. */
const errorFieldsIn = (bytes: Uint8Array): Partial<ErrorDocument> => {
  // The response to a HEAD. The error that JSON.parse throws for it took 8 % of the time of a refused HEAD (Node 20).
  if (bytes.length === 0) return {}
  const xml = xmlReader()
  const events = [xml.step(bytes), xml.finish()].flatMap((read) => (E.isRight(read) ? read.right : []))
  const rows = events.flatMap((event) => (event._tag === 'Row' ? [event.row] : []))
  if (events.some((event) => event._tag === 'Root' && event.name === 'Error') && rows.length > 0) {
    return errorFieldsOf(rows)
  }
  const text = Buffer.from(bytes).toString('utf8')
  return pipe(
    fromJson(text),
    O.getOrElse((): Partial<ErrorDocument> =>
      isIncompleteXml(text) ? {} : { message: text.replace(/\s+/g, ' ').trim().slice(0, 300) }
    )
  )
}

// A ServiceError is reported even if its body breaks off or stalls: the received part, or the head alone, is enough to
// act on.
const isBrokenOff = (error: CosError): boolean =>
  error._tag === 'TransportError' || (error._tag === 'Timeout' && error.phase === 'idle')

const decodeServiceError: Decoder<never> = (response) =>
  pipe(
    readPartially(64 * KiB)(response),
    T.map(({ bytes, error }) =>
      E.left(
        O.isNone(error) || isBrokenOff(error.value)
          ? serviceError(response, errorFieldsIn(bytes))
          : error.value
      )
    )
  )

/** Turns a response with a status other than 2xx into a `ServiceError`; the decoder does not see it. */
export const rejectErrors =
  <A>(decode: Decoder<A>): Decoder<A> =>
  (response) =>
    response.status >= 200 && response.status < 300 ? decode(response) : decodeServiceError(response)
