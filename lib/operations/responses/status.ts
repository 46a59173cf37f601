/** Proof that a success is COS's: its status, and that no proxy wrote the response. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as T from 'fp-ts/lib/Task.js'
import * as D from '../../core/decoder.js'
import type { Response } from '../../core/response.js'

/** Checks a response before it is decoded. A rejected one is drained, to keep its connection. */
const unless =
  (problemOf: (response: Response) => string | undefined) =>
  <A>(decode: D.Decoder<A>): D.Decoder<A> =>
  (response) => {
    const problem = problemOf(response)
    return problem === undefined
      ? decode(response)
      : pipe(
          D.drain(response),
          T.map(() => E.left(D.decodeError(response, [problem])))
        )
  }

/**
 * Accepts the statuses that COS documents for the operation. Another 2xx is a response that COS never sends, such as a
 * proxy's: it proves nothing.
 *
 * @errors `DecodeError` with any other status of 2xx
 */
export const withStatus = (...statuses: ReadonlyArray<number>): (<A>(decode: D.Decoder<A>) => D.Decoder<A>) =>
  unless(({ status }) =>
    statuses.includes(status) ? undefined : `status: must be ${statuses.join(' or ')}, got ${String(status)}`
  )

const htmlProblem = ({ headers }: Response): string | undefined =>
  /^\s*text\/html\b/i.test(headers['content-type'] ?? '')
    ? "content-type: must not be text/html: the response is a proxy's page"
    : undefined

/** Refuses an HTML page, which proxies and captive portals send with status 200. */
export const notHtml = unless(htmlProblem)

/**
 * Refuses also a response without COS's request id: for operations whose success has neither a body nor a header of the
 * result, so that an empty response of a proxy would pass as success.
 */
export const fromCos = unless(
  (response) =>
    htmlProblem(response) ??
    (response.headers['x-cos-request-id']
      ? undefined
      : 'x-cos-request-id: is missing: the response is not from COS')
)
