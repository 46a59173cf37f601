/** The request for one part of an upload or a copy, reported to the progress and published. */
import { pipe } from 'fp-ts/lib/function.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { CosError } from '../../core/error.js'
import type { Operation } from '../../core/operation.js'
import type { Client } from '../../client/client.js'
import { publishPart, type PartEvent } from '../../client/diagnostics.js'
import { send } from '../../client/send.js'
import { reportPartsOf, type WithProgress } from './progress.js'
import type { Transfer } from './run-transfer.js'

interface Part {
  readonly number: number
  readonly size: number
}

/** From the operation of a part to the function that sends a part. */
type SendPart<S> = <P extends Part, A>(
  toOperation: (part: P) => Operation<A>
) => (part: P, signal: S) => TaskEither<CosError, A>

type PartTransfer = Pick<Transfer<WithProgress>, 'scope' | 'context' | 'input'>

const sendBy =
  <S>(
    clientOf: (signal: S) => Client,
    { context, input }: PartTransfer,
    direction: PartEvent['direction']
  ): SendPart<S> =>
  (toOperation) =>
    reportPartsOf(input)((part, signal: S) =>
      pipe(
        send(toOperation(part))(clientOf(signal)),
        publishPart(context, { part: part.number, size: part.size, direction })
      )
    )

/**
 * Sends one part with the operation that `toOperation` returns for it. The signal ends the request.
 *
 * @shape `sendPart(transfer, direction)(toOperation)(part, signal)`
 */
export const sendPart = (transfer: PartTransfer, direction: PartEvent['direction']): SendPart<AbortSignal> =>
  sendBy((signal) => ({ ...transfer.scope.outerClient, signals: [signal] }), transfer, direction)

/** Like `sendPart` for an object that is sent in one request, as part 1. The signals of the transfer's caller end it. */
export const sendWhole = (transfer: PartTransfer, direction: PartEvent['direction']): SendPart<undefined> =>
  sendBy(() => transfer.scope.outerClient, transfer, direction)
