/** The events of a Select's response, as they arrive. */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as D from '../../core/decoder.js'
import { CosException, type CosError } from '../../core/error.js'
import { eventReader, type EventProblem, type SelectEvent } from '../../core/event-stream.js'
import type { Response } from '../../core/response.js'

const toError = (response: Response, problem: EventProblem): CosError => {
  const { context } = response
  switch (problem._tag) {
    case 'Malformed':
      return D.decodeError(response, [problem.message])
    case 'Checksum':
      return {
        _tag: 'IntegrityError',
        context,
        part: O.none,
        check: 'crc32',
        expected: problem.expected,
        got: problem.got
      }
    case 'Incomplete':
      return {
        _tag: 'TransportError',
        context,
        host: response.host,
        code: 'IncompleteResponse',
        cause: new Error('the event stream ended without an End event')
      }
  }
}

const serviceErrorOf = (
  response: Response,
  event: Extract<SelectEvent, { readonly _tag: 'Error' }>
): CosError => ({
  _tag: 'ServiceError',
  context: response.context,
  status: response.status,
  code: event.code,
  message: event.message,
  resource: '',
  requestId: response.headers['x-cos-request-id'] ?? '',
  traceId: response.headers['x-cos-trace-id'] ?? '',
  headers: response.headers
})

/**
 * Decodes the response of a Select.
 *
 * @shape  yields each event except errors, up to and including `End`; nothing after it is read
 * @errors throws `CosException`: `ServiceError` with status 200 if the query failed half way; `IntegrityError` and
 *         `DecodeError` of invalid messages; `TransportError` with code `IncompleteResponse` without an `End`
 */
export async function* selectEvents(
  response: Response
): AsyncGenerator<Exclude<SelectEvent, { readonly _tag: 'Error' }>, void, undefined> {
  const events = eventReader()
  const orThrow = (read: E.Either<EventProblem, ReadonlyArray<SelectEvent>>): ReadonlyArray<SelectEvent> => {
    if (E.isLeft(read)) throw new CosException(toError(response, read.left))
    return read.right
  }
  const body: AsyncIterable<Uint8Array> = response.body
  for await (const chunk of body) {
    for (const event of orThrow(events.step(chunk))) {
      if (event._tag === 'Error') throw new CosException(serviceErrorOf(response, event))
      yield event
      if (event._tag === 'End') return
    }
    // An error after the last event is reported by the next step; the next chunk may take long to arrive.
    orThrow(events.step(new Uint8Array()))
  }
  orThrow(events.finish())
}
