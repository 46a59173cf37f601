/** The request for one part of an upload or a copy, reported to the progress and published. */
import { pipe } from 'fp-ts/lib/function.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import type { CosError } from '../../core/error.js'
import type { Operation } from '../../core/operation.js'
import { publishPart, refInfo, type PartEvent } from '../../client/diagnostics.js'
import { send } from '../../client/send.js'
import { reportPartsOf, type WithProgress } from './progress.js'
import type { Transfer } from './run-transfer.js'

/**
 * Sends one part with the operation that `toOperation` returns for it. The signal ends the request.
 *
 * @shape `sendPart(transfer, direction)(toOperation)(part, signal)`; an object sent in one request is part 1
 */
export const sendPart =
  (
    { scope, context, input }: Pick<Transfer<WithProgress>, 'scope' | 'context' | 'input'>,
    direction: PartEvent['direction']
  ) =>
  <P extends { readonly number: number; readonly size: number }, A>(
    toOperation: (part: P) => Operation<A>
  ): ((part: P, signal: AbortSignal) => TaskEither<CosError, A>) =>
    reportPartsOf(input)((part: P, signal: AbortSignal) =>
      pipe(
        send(toOperation(part))({ ...scope.client, signals: [signal] }),
        publishPart({ ...refInfo(context), part: part.number, size: part.size, direction })
      )
    )
