/** Downloads an object as one ordered stream; fetches its ranges in parallel. */
import type { Readable } from 'node:stream'
import { pipe } from 'fp-ts/lib/function.js'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as RTE from 'fp-ts/lib/ReaderTaskEither.js'
import type * as TE from 'fp-ts/lib/TaskEither.js'
import { combineAllCrc64, type Crc64Run } from '../../core/crc64.js'
import { CosException, fromUnknown, type Context, type CosError } from '../../core/error.js'
import * as In from '../../core/input.js'
import { unverifiable, type Integrity } from '../../core/integrity.js'
import { MiB } from '../../core/limits.js'
import { contextOf } from '../../core/operation.js'
import type { Client } from '../../client/client.js'
import { openScope, type OpenScope } from '../../client/scope.js'
import { send, type CosEffect } from '../../client/send.js'
import { headObject, type ObjectHead } from '../../operations/head-object.js'
import { toReadable } from '../../stages/to-readable.js'
import { fetchRanges } from '../../stages/fetch-ranges.js'
import { createMemoryBudget, inBlocks } from '../../stages/memory-budget.js'
import { planRanges } from '../../stages/plan-ranges.js'
import { verifyBytes } from '../../stages/verify-bytes.js'
import { openUnchanged, type Content, type OpenContent } from './content.js'
import {
  downloadOptions,
  downloadHeadInput,
  pinnedGetInput,
  validateDownload,
  type DownloadOptions
} from './options.js'
import { fetchPart } from './fetch-part.js'
import { Concurrency, mostInMemory, requestsInFlight, withLane } from '../shared/concurrency.js'
import { joinProgress, withProgress, type WithProgress } from '../shared/progress.js'
import { startTransfer } from '../shared/run-transfer.js'

export interface DownloadStreamInput extends DownloadOptions, WithProgress {
  /** Bytes of one range. Default: 8 MiB. */
  readonly partSize?: number
  /**
   * Ranges fetched at once, including the one being read; 1 to 1,000. `'auto'`: as many as the service and the link take, at
   * most 64, and 256 MiB of memory or one range. Default: 4.
   */
  readonly concurrency?: number | 'auto'
}

const Input = In.struct<DownloadStreamInput>('DownloadStreamInput', {
  ...downloadOptions,
  ...withProgress,
  partSize: In.optional(In.bytes(1)),
  concurrency: In.optional(Concurrency)
})

export interface DownloadResult extends ObjectHead {
  /**
   * The bytes as stored. Ends only after they have been verified; fails with a `CosException` otherwise. Destroying it closes
   * all requests at once.
   */
  readonly body: Readable
  /** The result of the comparison, once `body` has ended, failed or been destroyed. */
  readonly verified: TE.TaskEither<CosError, Integrity>
  /** For the errors of consumers such as `toFile`. */
  readonly context: Context
}

const action = 'downloadStream'
export const downloadStreamDefaults = { partSize: 8 * MiB, concurrency: 4 }

/** A promise and its resolver. It keeps the first outcome: the end, a failure, or a reader that stops. */
const createOutcome = <A>(): { readonly settle: (value: A) => void; readonly settled: Promise<A> } => {
  let settle: (value: A) => void = () => undefined
  const settled = new Promise<A>((resolve) => {
    settle = resolve
  })
  return { settle, settled }
}

interface Tracking {
  /** Bytes that were yielded. */
  readonly transferred: { size: number }
  readonly end: ReturnType<typeof startTransfer>
  readonly settle: (outcome: E.Either<CosError, Integrity>) => void
}

/** Yields bytes that are verified at their end, counts them, and settles the outcome with the end or the failure. */
async function* trackBytes(
  context: Context,
  bytes: AsyncGenerator<Uint8Array, Integrity, undefined>,
  { transferred, end, settle }: Tracking
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (;;) {
      const next = await bytes.next()
      if (next.done === true) {
        end(transferred.size, '')
        settle(E.right(next.value))
        return
      }
      transferred.size += next.value.length
      yield next.value
    }
  } catch (thrown) {
    const error = fromUnknown(context)(thrown)
    end(transferred.size, error._tag)
    settle(E.left(error))
    throw new CosException(error)
  } finally {
    // A reader that leaves between two reads: the ranges that were fetched ahead return their memory.
    await bytes.return(unverifiable('Unread'))
  }
}

const streamRanges = (
  scope: OpenScope,
  context: Context,
  input: DownloadStreamInput,
  head: ObjectHead,
  content: Content,
  end: ReturnType<typeof startTransfer>
): Pick<DownloadResult, 'body' | 'verified' | 'context'> => {
  const { partSize = downloadStreamDefaults.partSize, concurrency = downloadStreamDefaults.concurrency } =
    input
  const most = mostInMemory(concurrency, partSize, 0)
  const limit = most * inBlocks(partSize)
  const { progress } = input
  progress?.report({ _tag: 'Expected', size: head.size })
  let whole: Crc64Run = { crc64: 0n, size: 0 }
  const ranges = fetchRanges(
    {
      onRange: (range) => {
        whole = combineAllCrc64([whole, range])
      },
      concurrency: requestsInFlight(scope.client, concurrency, most),
      context,
      controller: scope.controller,
      budget: O.getOrElse(() => createMemoryBudget({ limit, ahead: limit, runtime: scope.client.runtime }))(
        scope.client.memory
      )
    },
    fetchPart({
      ...In.defined({ progress }),
      client: scope.client,
      context,
      object: pinnedGetInput(input, head)
    })
  )(planRanges({ to: head.size, partSize }))

  const { settle, settled } = createOutcome<E.Either<CosError, Integrity>>()
  const bytes = content.decode(
    verifyBytes({ size: O.some(head.size), crc64: head.crc64, context, hashed: () => whole.crc64 })(ranges)
  )
  const transferred = { size: 0 }
  const body = toReadable(trackBytes(context, bytes, { transferred, end, settle }), () => {
    end(transferred.size, 'Aborted')
    settle(E.right(unverifiable('Unread')))
    scope.close()
  })
  // Without a listener, an abort before anyone reads the stream would end the process.
  body.on('error', () => undefined)
  scope.onEnd((error) => {
    settle(E.left(error))
    body.destroy(new CosException(error))
  })
  return { body, verified: () => settled, context }
}

/** A download whose body is the content of the object; the other fields are those of the stored object. */
export interface OpenDownload<C extends Content> {
  readonly download: DownloadResult
  readonly content: C
}

/** `downloadStream` of the content that `open` finds. */
export const downloadContent =
  <C extends Content>(open: OpenContent<C>) =>
  (input: DownloadStreamInput): CosEffect<OpenDownload<C>> =>
  (client: Client) =>
  async () => {
    const context = contextOf(action, input)
    const validated = validateDownload(action, Input)(input)
    if (E.isLeft(validated)) return validated
    const valid = joinProgress(validated.right)
    const within = withLane(client, valid.concurrency)
    const found = await send(headObject(downloadHeadInput(valid)))(within)()
    if (E.isLeft(found)) return found
    const head = found.right
    const content = await open({ context, input: valid, head })(within)()
    if (E.isLeft(content)) return content
    const end = startTransfer(context, valid)
    const stream = streamRanges(openScope(within, context), context, valid, head, content.right, end)
    return E.right({ download: { ...head, ...stream }, content: content.right })
  }

/**
 * Downloads an object as one stream. Ranges are fetched in parallel and yielded in order.
 *
 * Starts with a HEAD; every range is requested on condition that the object still has that ETag. A range that is cut off resumes
 * at the next byte. The CRC64 of the whole object is compared with COS's before the stream ends. Backpressure: at most
 * `concurrency` ranges are fetched ahead of the reader. `withTimeout` and `withSignal` end the body too.
 *
 * @shape  `DownloadStreamInput -> CosEffect<DownloadResult>`; settles after the HEAD, while the body is being fetched
 * @units  holds at most `concurrency x partSize` bytes, besides socket buffers; with `concurrency: 'auto'` 256 MiB, or one range
 *         if it is larger
 * @errors those of `headObject`; of the body: those of `getObject`, `ObjectChanged`, `IntegrityError`
 * @example pipe(downloadStream({ bucket, key }), RTE.map(({ body }) => body.pipe(createGunzip())))
 */
export const downloadStream = (input: DownloadStreamInput): CosEffect<DownloadResult> =>
  pipe(
    downloadContent(openUnchanged)(input),
    RTE.map(({ download }) => download)
  )
