/** The layer that checks whether an earlier attempt succeeded if COS refuses its retry. */
import { pipe } from 'fp-ts/lib/function.js'
import * as O from 'fp-ts/lib/Option.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { crc64Hasher } from '../core/crc64.js'
import { fromSource, type Context, type CosError } from '../core/error.js'
import type { Operation } from '../core/operation.js'
import type { Body } from '../core/body.js'
import type { SentBody } from '../core/response.js'
import { tryTask } from '../core/try-task.js'
import { recover, type Call, type Send } from './call.js'
import { openBody } from './open-body.js'

/** Reads the body again: COS may refuse a retry before all of the body has been sent and hashed. */
const hashBody = (context: Context, body: Body): TE.TaskEither<CosError, SentBody> =>
  pipe(
    openBody(context, body),
    TE.chain((opened) =>
      tryTask(async () => {
        const hasher = await crc64Hasher()
        try {
          let size = 0
          for await (const chunk of opened.open()) {
            hasher.update(chunk)
            size += chunk.length
          }
          return { size, crc64: O.some(hasher.digest()) }
        } finally {
          hasher.release()
        }
      }, fromSource(context))
    )
  )

/**
 * If a retry is refused, sends the operation's `confirm`: an earlier attempt may have succeeded and only its response been
 * lost. Then the call succeeds.
 *
 * @errors the refusal, if `confirm` does not find the result of the earlier attempt, or fails
 */
export const withConfirmation =
  <A>(
    { confirm }: Operation<A>,
    sendOperation: <B>(operation: Operation<B>, call: Call) => TE.TaskEither<CosError, B>
  ) =>
  (send: Send<A>): Send<A> =>
  (request, call) =>
    recover(send(request, call), (error) => {
      if (confirm === undefined || error._tag !== 'ServiceError' || call.failures.length === 0) {
        return TE.left(error)
      }
      return pipe(
        TE.fromOption((): CosError => error)(confirm(error)),
        TE.chain((toConfirmation) =>
          pipe(
            hashBody(call.context(), request.body),
            TE.chain((sent) => sendOperation(toConfirmation(sent), call))
          )
        ),
        TE.chain(TE.fromOption((): CosError => error)),
        TE.mapLeft((): CosError => error)
      )
    })
