/** Decoders: from a response to a value. A decoder owns the body: each one here reads it to the end or destroys it. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as T from 'fp-ts/lib/Task.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import * as t from 'io-ts'
import { CosException, fromUnknown, type CosError, type ServiceError } from './error.js'
import { KiB, MiB } from './limits.js'
import type { Response } from './response.js'
import { decodeWith } from './wire.js'
import type { Element } from './element.js'
import { incompleteDocument, emptyDocument, xmlReader, toFields, type XmlEvent } from './xml.js'
import { tryTask } from './try-task.js'

export type Decoder<A> = (response: Response) => TE.TaskEither<CosError, A>

export const map =
  <A, B>(f: (a: A) => B) =>
  (decode: Decoder<A>): Decoder<B> =>
  (response) =>
    TE.map(f)(decode(response))

/** Maps the decoded value to another, or to an error. */
export const chainEither =
  <A, B>(f: (a: A, response: Response) => E.Either<CosError, B>) =>
  (decode: Decoder<A>): Decoder<B> =>
  (response) =>
    TE.chainEitherK((a: A) => f(a, response))(decode(response))

const requestIdOf = (response: Response): string => response.headers['x-cos-request-id'] ?? ''

export const decodeError = (response: Response, problems: ReadonlyArray<string>): CosError => ({
  _tag: 'DecodeError',
  context: response.context,
  status: response.status,
  problems,
  requestId: requestIdOf(response)
})

// -- bodies --
const drainLimit = 64 * KiB

/** Discards the rest of a body. Closes the connection if reading more than 64 KiB would be needed to keep it. */
export const drain = (response: Response): TE.TaskEither<CosError, void> =>
  response.isEmpty === true
    ? TE.right(undefined)
    : tryTask(
        async () => {
          let seen = 0
          for await (const chunk of chunksOf(response)) {
            seen += chunk.length
            if (seen > drainLimit) break
          }
        },
        fromUnknown(response.context, response.host)
      )

async function* chunksOf(response: Response): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of response.body) {
    if (chunk instanceof Uint8Array) yield chunk
    else throw new TypeError('a chunk of the response body is not bytes')
  }
}

interface PartialBody {
  readonly bytes: Uint8Array
  /** The error that ended the body early. */
  readonly error: O.Option<CosError>
}

const noBody: PartialBody = { bytes: new Uint8Array(), error: O.none }

const readPartially =
  (limit: number) =>
  (response: Response): T.Task<PartialBody> =>
  async () => {
    if (response.isEmpty === true) return noBody
    const chunks: Array<Uint8Array> = []
    let error: O.Option<CosError> = O.none
    try {
      let size = 0
      for await (const chunk of chunksOf(response)) {
        chunks.push(chunk)
        size += chunk.length
        if (size > limit) break
      }
    } catch (thrown) {
      error = O.some(fromUnknown(response.context, response.host)(thrown))
    }
    return { bytes: Buffer.concat(chunks).subarray(0, limit), error }
  }

/** Reads a small body. The bytes beyond `limit` are cut off. */
export const readBytes =
  (limit: number): Decoder<Uint8Array> =>
  (response) =>
    pipe(
      readPartially(limit)(response),
      T.map(({ bytes, error }) => (O.isSome(error) ? E.left(error.value) : E.right(bytes)))
    )

// -- heads --
/** Reads the response's headers with a codec, names in lower case, and discards the body. */
export const fromHead =
  <A>(codec: t.Decoder<unknown, A>): Decoder<A> =>
  (response) =>
    pipe(
      drain(response),
      TE.chainEitherK(() =>
        pipe(
          decodeWith(codec)(response.headers),
          E.mapLeft((problems) => decodeError(response, problems))
        )
      )
    )

// -- service errors --
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

const serviceError = (response: Response, read: Partial<ErrorDocument>): ServiceError => ({
  _tag: 'ServiceError',
  context: response.context,
  status: response.status,
  code: read.code || response.headers['x-cos-error-code'] || (codeByStatus[response.status] ?? 'Unknown'),
  message: read.message ?? '',
  resource: read.resource ?? '',
  requestId: read.requestId || requestIdOf(response),
  traceId: read.traceId || (response.headers['x-cos-trace-id'] ?? ''),
  headers: response.headers
})

const serviceErrorFromXml = (rows: ReadonlyArray<Element>): Partial<ErrorDocument> => {
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
const serviceErrorIn = (bytes: Uint8Array): Partial<ErrorDocument> => {
  // The response to a HEAD. The error that JSON.parse throws for it took 8 % of the time of a refused HEAD (Node 20).
  if (bytes.length === 0) return {}
  const xml = xmlReader()
  const events = [xml.step(bytes), xml.finish()].flatMap((read) => (E.isRight(read) ? read.right : []))
  const rows = events.flatMap((event) => (event._tag === 'Row' ? [event.row] : []))
  if (events.some((event) => event._tag === 'Root' && event.name === 'Error') && rows.length > 0) {
    return serviceErrorFromXml(rows)
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
          ? serviceError(response, serviceErrorIn(bytes))
          : error.value
      )
    )
  )

/** Turns a response with a status other than 2xx into a `ServiceError`; the decoder does not see it. */
export const rejectErrors =
  <A>(decode: Decoder<A>): Decoder<A> =>
  (response) =>
    response.status >= 200 && response.status < 300 ? decode(response) : decodeServiceError(response)

// -- XML --
// The longest real document is a page of a thousand keys with each byte written as `%XX`: about 4 MB.
const maxDocument = 64 * MiB

// Rows kept of an error document; its length has no limit.
const maxErrorRows = 64

const nothing = new Uint8Array()

/**
 * Streams the rows of an XML response: the complete children of the root. The status does not decide: COS may put an
 * error into a 200, so the root is checked first.
 *
 * @shape  yields the children of the root in order, all that a chunk completed in one array: a generator step for each
 *         row costs more than parsing the row; closing the generator early closes the connection
 * @units  a document of at most 64 MiB; holds the rows of one chunk
 * @errors throws `CosException`: `ServiceError` if the root is `Error`, complete or not; `DecodeError` if the root has
 *         another name or the bytes are not XML; `TransportError` if the document is empty or incomplete
 */
export async function* xmlRows(
  root: string,
  response: Response
): AsyncGenerator<ReadonlyArray<Element>, void, undefined> {
  const xml = xmlReader()
  let seenRoot = ''
  let size = 0
  const errors: Array<Element> = []

  const failure = (problem: string): CosException => {
    if (errors.length > 0) return new CosException(serviceError(response, serviceErrorFromXml(errors)))
    if (problem !== emptyDocument && problem !== incompleteDocument) {
      return new CosException(decodeError(response, [problem]))
    }
    // Under load COS closes connections early. Such a response is incomplete, not malformed: a retry may succeed.
    return new CosException({
      _tag: 'TransportError',
      context: response.context,
      host: response.host,
      code: problem === emptyDocument ? 'EmptyResponse' : 'IncompleteResponse',
      cause: new Error(problem)
    })
  }
  const rows = (read: E.Either<string, ReadonlyArray<XmlEvent>>): ReadonlyArray<Element> => {
    if (E.isLeft(read)) throw failure(read.left)
    const completed: Array<Element> = []
    for (const event of read.right) {
      if (event._tag === 'Root') {
        seenRoot = event.name
        if (seenRoot !== root && seenRoot !== 'Error')
          throw failure(`expected the XML root <${root}>, got <${seenRoot}>`)
      } else if (seenRoot !== 'Error') completed.push(event.row)
      else if (errors.length < maxErrorRows) errors.push(event.row)
    }
    return completed
  }
  for await (const chunk of chunksOf(response)) {
    size += chunk.length
    if (size > maxDocument) throw failure('an XML document of more than 64 MiB')
    const completed = rows(xml.step(chunk))
    if (completed.length > 0) yield completed
    // The parser reports an error after the last row only in its next step, and the next chunk may take long to arrive.
    rows(xml.step(nothing))
  }
  const last = rows(xml.finish())
  if (last.length > 0) yield last
  if (seenRoot === 'Error') throw new CosException(serviceError(response, serviceErrorFromXml(errors)))
}

export interface Document {
  /** The root's leaves and records by name; the last one of a repeated name. */
  readonly fields: ReturnType<typeof toFields>
  readonly rows: ReadonlyArray<Element>
}

/** Reads a whole XML response, its rows in the order of the document. */
export const document =
  (root: string): Decoder<Document> =>
  (response) =>
    tryTask(
      async () => {
        const rows: Array<Element> = []
        for await (const completed of xmlRows(root, response)) rows.push(...completed)
        return { rows, fields: toFields({ name: root, text: '', children: rows }) }
      },
      fromUnknown(response.context, response.host)
    )

/**
 * Reads a whole XML response with a codec for the children of its root.
 *
 * @shape  `fromXml('CopyObjectResult', codec)`; the codec sees `{ ETag: '...', Owner: { ID: '...' } }`
 * @errors those of `xmlRows`, as data
 */
export const fromXml = <A>(root: string, codec: t.Decoder<unknown, A>): Decoder<A> =>
  pipe(
    document(root),
    chainEither((read, response) =>
      pipe(
        decodeWith(codec)(read.fields),
        E.mapLeft((problems) => decodeError(response, problems))
      )
    )
  )
