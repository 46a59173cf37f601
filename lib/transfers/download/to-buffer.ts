/** Reads a small response into memory, as bytes or as text. */
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import { CosException, type Context, type CosError } from '../../core/error.js'
import type { CosEffect } from '../../client/send.js'
import { scopedWithCleanup } from '../../client/scope.js'
import type { VerifiableBody } from './to-file.js'

/** The fields of a `getObject` or `downloadStream` result that are used here. */
export interface ReadableResponse extends VerifiableBody {
  readonly requestId: string
}

const unreadable = (context: Context, requestId: string, problem: string): CosError => ({
  _tag: 'DecodeError',
  context,
  status: 200,
  problems: [problem],
  requestId
})

const readAll = async (
  context: Context,
  limit: number,
  { body, verified }: ReadableResponse
): Promise<E.Either<CosError, Buffer>> => {
  const chunks: Array<Uint8Array> = []
  const bytes: AsyncIterable<Uint8Array> = body
  let size = 0
  for await (const chunk of bytes) {
    size += chunk.length
    if (size > limit) {
      throw new CosException({ _tag: 'SizeLimitExceeded', context, limit })
    }
    chunks.push(chunk)
  }
  return pipe(
    await verified(),
    E.map(() => Buffer.concat(chunks, size))
  )
}

const readToBuffer =
  (operation: string, limit: number) =>
  (response: ReadableResponse): CosEffect<Buffer> =>
  (client) =>
  async () => {
    const context = { ...response.context, operation }
    try {
      return await scopedWithCleanup(client, context, () => readAll(context, limit, response))
    } finally {
      // An unread body keeps its connection.
      response.body.destroy()
    }
  }

/**
 * Reads a response into memory and verifies it.
 *
 * @units  `limit` in bytes; holds the bytes twice for a moment
 * @errors those of the body; `SizeLimitExceeded` if the body has more bytes than `limit`
 * @example pipe(send(getObject({ bucket, key })), RTE.chain(toBuffer(1024 * 1024)))(client)()
 */
export const toBuffer = (limit: number): ((response: ReadableResponse) => CosEffect<Buffer>) =>
  readToBuffer('toBuffer', limit)

/**
 * Reads a response as text and verifies it. Drops a byte order mark.
 *
 * @units  `limit` in bytes, before they become text
 * @errors those of the body; `SizeLimitExceeded` if the body has more bytes than `limit`; `DecodeError` if they are not UTF-8
 * @example pipe(send(getObject({ bucket, key })), RTE.chain(toText(64 * 1024)))(client)()
 */
export const toText =
  (limit: number) =>
  (response: ReadableResponse): CosEffect<string> =>
    pipe(
      readToBuffer('toText', limit)(response),
      RTE.chainEitherKW((bytes) =>
        E.tryCatch(
          () => new TextDecoder('utf-8', { fatal: true }).decode(bytes),
          () =>
            unreadable(
              { ...response.context, operation: 'toText' },
              response.requestId,
              'the body is not UTF-8'
            )
        )
      )
    )
