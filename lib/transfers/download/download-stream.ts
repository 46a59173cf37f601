/** An object as one stream of bytes in order, fetched as several ranges at once. */
import type { Readable } from 'node:stream'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import type * as TE from 'fp-ts/lib/TaskEither.js'
import { CosException, fromUnknown, type Context, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import { unverifiable, type Integrity } from '../../core/integrity.js'
import { MiB } from '../../core/limits.js'
import { contextOf, validate } from '../../core/operation.js'
import type { Client } from '../../client/client.js'
import { publishPartBytes, refInfo } from '../../client/diagnostics.js'
import { readRange } from '../../client/read-range.js'
import { openScope, type OpenScope } from '../../client/scope.js'
import { send, type CosEffect } from '../../client/send.js'
import { headObject, type ObjectHead } from '../../operations/head-object.js'
import { toReadable } from '../../stages/to-readable.js'
import { fetchRanges, type FetchRange } from '../../stages/fetch-ranges.js'
import { createMemoryBudget, inBlocks } from '../../stages/memory-budget.js'
import { planRanges } from '../../stages/plan-ranges.js'
import { reportBytes } from '../../stages/progress.js'
import { verifyBytes } from '../../stages/verify-bytes.js'
import { downloadOptions, downloadHeadInput, pinnedGetInput, type DownloadOptions } from './options.js'
import { withProgress, type WithProgress } from '../shared/progress.js'
import { startTransfer } from '../shared/run-transfer.js'

export interface DownloadStreamInput extends DownloadOptions, WithProgress {
  /** In bytes, of one range; 8 MiB unless said. */
  readonly partSize?: number
  /** Ranges open at once, the one that is read among them; 4 unless said. */
  readonly concurrency?: number
}

const Input = In.struct<DownloadStreamInput>('DownloadStreamInput', {
  ...downloadOptions,
  ...withProgress,
  partSize: In.optional(In.integer(1)),
  concurrency: In.optional(In.integer(1, 1000))
})

export interface DownloadResult extends ObjectHead {
  /**
   * The bytes as they are stored. It ends only after they were verified, and fails with a `CosException` otherwise.
   * Destroying it ends every request of it at once.
   */
  readonly body: Readable
  /** How the bytes compared, once `body` has ended, failed or been left. */
  readonly verified: TE.TaskEither<CosError, Integrity>
  /** Whose bytes they are, for the errors of whoever writes them down. */
  readonly context: Context
}

const action = 'downloadStream'
const downloadStreamDefaults = { partSize: 8 * MiB, concurrency: 4 }

/** Settles once, with what comes first: the end, a failure, or the reader's leaving. */
const outcome = <A>(): { readonly settle: (value: A) => void; readonly settled: Promise<A> } => {
  let settle: (value: A) => void = () => undefined
  const settled = new Promise<A>((resolve) => {
    settle = resolve
  })
  return { settle, settled }
}

const streamRanges = (
  scope: OpenScope,
  context: Context,
  input: DownloadStreamInput,
  head: ObjectHead,
  end: ReturnType<typeof startTransfer>
): Pick<DownloadResult, 'body' | 'verified' | 'context'> => {
  const { partSize = downloadStreamDefaults.partSize, concurrency = downloadStreamDefaults.concurrency } =
    input
  const limit = concurrency * inBlocks(partSize)
  const pinned = pinnedGetInput(input, head)
  const { progress } = input
  progress?.tell({ _tag: 'Expected', size: head.size })
  const fetch: FetchRange = (range, signal) =>
    pipe(
      readRange({ ...scope.client, signals: [signal] }, context, pinned, range),
      publishPartBytes(context, {
        ...refInfo(context),
        part: range.number,
        size: range.size,
        direction: 'down'
      })
    )
  const ranges = fetchRanges(
    {
      concurrency,
      context,
      controller: scope.controller,
      budget: O.getOrElse(() => createMemoryBudget({ limit, ahead: limit }))(scope.client.memory)
    },
    progress === undefined ? fetch : reportBytes(progress)(fetch)
  )(planRanges({ to: head.size, partSize }))

  const { settle, settled } = outcome<E.Either<CosError, Integrity>>()
  const check = verifyBytes({ size: O.some(head.size), crc64: head.crc64, context })(ranges)
  let transferred = 0
  async function* watched(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const next = await check.next()
        if (next.done === true) {
          end(transferred, '')
          settle(E.right(next.value))
          return
        }
        transferred += next.value.length
        yield next.value
      }
    } catch (thrown) {
      const error = fromUnknown(context)(thrown)
      end(transferred, error._tag)
      settle(E.left(error))
      throw new CosException(error)
    }
  }
  const body = toReadable(watched(), () => {
    end(transferred, 'Aborted')
    settle(E.right(unverifiable('Unread')))
    scope.close()
  })
  // A stream that a signal ends before anyone reads it would otherwise end the process with it.
  body.on('error', () => undefined)
  scope.onEnd((error) => {
    settle(E.left(error))
    body.destroy(new CosException(error))
  })
  return { body, verified: () => settled, context }
}

/**
 * Downloads an object as one stream, its ranges fetched in parallel and given in order.
 *
 * It begins with a HEAD, and every range is asked for on condition that the object is still that one. A range that
 * breaks off goes on where it was cut. The CRC64 of the whole is compared with COS's before the stream ends. A reader
 * that stops holds the server back: no more than `concurrency` ranges are fetched ahead.
 *
 * @shape  `DownloadStreamInput -> Effect<Downloaded>`; settles when the HEAD has come, and the body is on its way
 * @units  holds at most `concurrency x partSize` bytes, besides what sockets hold
 * @errors those of `headObject`; the body's: those of `getObject`, `ObjectChanged`, `IntegrityError`
 * @example pipe(downloadStream({ bucket, key }), RTE.map(({ body }) => body.pipe(createGunzip())))
 */
export const downloadStream =
  (input: DownloadStreamInput): CosEffect<DownloadResult> =>
  (client: Client) =>
  async () => {
    const context = contextOf(action, input)
    const judged = validate(action, Input)(input)
    if (E.isLeft(judged)) return judged
    const valid = judged.right
    const head = await send(headObject(downloadHeadInput(valid)))(client)()
    if (E.isLeft(head)) return head
    const end = startTransfer(context, valid)
    return E.right({
      ...head.right,
      ...streamRanges(openScope(client, context), context, valid, head.right, end)
    })
  }
