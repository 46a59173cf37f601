/**
 * What can be watched through `node:diagnostics_channel`. Each channel carries plain data of one shape, without a
 * secret in it; nothing is made when nobody has subscribed.
 *
 * @example
 * import { subscribe } from 'node:diagnostics_channel'
 * subscribe('cospipe:attempt', (event) => console.log(event))
 */
import { channel } from 'node:diagnostics_channel'
import type { CosError } from '../core/error.js'

interface About {
  /** COS's name of the action, such as `HeadObject`. */
  readonly operation: string
  readonly bucket: string
  /** Empty where the call is about the bucket itself. */
  readonly key: string
}

/** On `cospipe:operation`, once for each operation sent, when it has settled. */
export interface OperationEvent extends About {
  readonly attempts: number
  /** Milliseconds from the first attempt's start to the decoded answer. */
  readonly duration: number
  /** Its `_tag`; empty when the operation succeeded. */
  readonly error: CosError['_tag'] | ''
}

/** On `cospipe:attempt`, once for each request, when its head has come or it has failed. */
export interface AttemptEvent extends About {
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

/** On `cospipe:part`, once for each part that COS acknowledged, and for each range that arrived. */
export interface PartEvent extends About {
  readonly part: number
  /** In bytes. */
  readonly size: number
  readonly direction: 'up' | 'down'
}

/** On `cospipe:transfer`, when an upload, a download or a copy begins and when it has settled. */
export interface TransferEvent extends About {
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
