/** Decoders of COS's XML: row by row, as a document, or with a codec. A 200 may have an error inside. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import type * as t from 'io-ts'
import { chainEither, chunksOf, decodeError, type Decoder } from './decoder.js'
import type { Element } from './element.js'
import { CosException, fromUnknown } from './error.js'
import { MiB } from './limits.js'
import type { Response } from './response.js'
import { errorFieldsOf, serviceError } from './service-error.js'
import { tryTask } from './try-task.js'
import { decodeWith } from './wire.js'
import { emptyDocument, incompleteDocument, toFields, xmlReader, type XmlEvent } from './xml.js'

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
    if (errors.length > 0) return new CosException(serviceError(response, errorFieldsOf(errors)))
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
  if (seenRoot === 'Error') throw new CosException(serviceError(response, errorFieldsOf(errors)))
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
