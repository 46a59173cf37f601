/**
 * What can be watched through `node:diagnostics_channel`. Each channel carries plain data of one shape, without a
 * secret in it; nothing is made when nobody has subscribed.
 *
 * @example
 * import { subscribe } from 'node:diagnostics_channel'
 * subscribe('cospipe:attempt', (event) => console.log(event))
 */
import { channel } from 'node:diagnostics_channel'
import * as E from 'fp-ts/lib/Either.js'
import type { TaskEither } from 'fp-ts/lib/TaskEither.js'
import { fromUnknown, type Context, type CosError } from '../core/error.js'

interface PartInfo {
  /** COS's name of the action, such as `HeadObject`. */
  readonly operation: string
  readonly bucket: string
  /** Empty where the call is about the bucket itself. */
  readonly key: string
}

/** On `cospipe:operation`, once for each operation sent, when it has settled. */
export interface OperationEvent extends PartInfo {
  readonly attempts: number
  /** Milliseconds from the first attempt's start to the decoded answer. */
  readonly duration: number
  /** Its `_tag`; empty when the operation succeeded. */
  readonly error: CosError['_tag'] | ''
}

/** On `cospipe:attempt`, once for each request, when its head has come or it has failed. */
export interface AttemptEvent extends PartInfo {
  /** Counted from 1. */
  readonly attempt: number
  readonly method: string
  readonly host: string
  /** 0 where no answer came. */
  readonly status: number
  readonly requestId: string
  /** Milliseconds to the answer's head. */
  readonly duration: number
  readonly error: CosError['_tag'] | ''
}

/**
 * On `cospipe:part`, when a part of an upload or a copy or a range of a download begins to move, and when that has
 * settled. What goes in one PUT is part 1.
 */
export interface PartEvent extends PartInfo {
  readonly part: number
  /** In bytes. */
  readonly size: number
  /** `across`: from object to object, through COS alone. */
  readonly direction: 'up' | 'down' | 'across'
  readonly phase: 'start' | 'end'
  /** Empty at the start; at the end where COS acknowledged the part, or the whole range came. */
  readonly error: CosError['_tag'] | ''
}

/** On `cospipe:transfer`, when an upload, a download or a copy begins and when it has settled. */
export interface TransferEvent extends PartInfo {
  readonly phase: 'start' | 'end'
  /** In bytes, so far. */
  readonly transferred: number
  readonly error: CosError['_tag'] | ''
}

interface Events {
  readonly operation: OperationEvent
  readonly attempt: AttemptEvent
  readonly part: PartEvent
  readonly transfer: TransferEvent
}

const channels = {
  operation: channel('cospipe:operation'),
  attempt: channel('cospipe:attempt'),
  part: channel('cospipe:part'),
  transfer: channel('cospipe:transfer')
} as const

/** Publishes what `make` returns, and does not call it when nobody listens. */
export const publish = <K extends keyof Events>(name: K, make: () => Events[K]): void => {
  const to = channels[name]
  if (to.hasSubscribers) to.publish(make())
}

type Part = Omit<PartEvent, 'phase' | 'error'>

const publishStart = (part: Part): void => {
  publish('part', () => ({ ...part, phase: 'start', error: '' }))
}
const publishEnd = (part: Part, error: PartEvent['error']): void => {
  publish('part', () => ({ ...part, phase: 'end', error }))
}

/** A call that moves one part, told before and after. */
export const publishPart =
  (part: Part) =>
  <A>(call: TaskEither<CosError, A>): TaskEither<CosError, A> =>
  async () => {
    publishStart(part)
    const result = await call()
    publishEnd(part, E.isLeft(result) ? result.left._tag : '')
    return result
  }

/** The bytes of one part, told before the first and after the last; a reader who leaves has aborted it. */
export const publishPartBytes = (context: Context, part: Part) =>
  async function* (bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    let error: PartEvent['error'] = 'Aborted'
    publishStart(part)
    try {
      yield* bytes
      error = ''
    } catch (thrown) {
      error = fromUnknown(context)(thrown)._tag
      throw thrown
    } finally {
      publishEnd(part, error)
    }
  }
