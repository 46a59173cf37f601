/** The types that handlers work with: a request, its context and a handler's signature. */
import type * as TE from 'fp-ts/lib/TaskEither.js'
import type { EmulatorResponse } from './response.js'
import type { Settings } from '../options.js'
import type { ServiceError } from './service-error.js'
import type { Hosts, OperationName, Target } from './route.js'
import type { Store } from '../store/store.js'

export interface RequestBody {
  /** `Content-Length` in bytes; undefined if the header is absent. */
  readonly declared: number | undefined
  /** `Transfer-Encoding: chunked`. */
  readonly chunked: boolean
  /** May be called once. Throws if the connection ends before the body does. */
  readonly read: () => AsyncIterable<Uint8Array>
}

/** A request whose signature has been checked. */
export interface RoutedRequest extends Target {
  readonly operation: OperationName
  readonly method: string
  readonly scheme: 'http' | 'https'
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: RequestBody
  /** When it arrived, in milliseconds of Unix time. */
  readonly now: number
  readonly requestId: string
  /** True if the request carries no signature. */
  readonly anonymous: boolean
}

/** The parts of the emulator that handlers use. */
export interface EmulatorContext {
  readonly store: Store
  readonly settings: Settings
  readonly hosts: Hosts
}

export type Handler = (
  context: EmulatorContext,
  request: RoutedRequest
) => TE.TaskEither<ServiceError, EmulatorResponse>
