/** One request, read as far as its head. */
import type * as TE from 'fp-ts/lib/TaskEither.js'
import type { EmulatorResponse } from './response.js'
import type { Settings } from '../options.js'
import type { ServiceError } from './service-error.js'
import type { Hosts, OperationName, Target } from './route.js'
import type { Store } from '../store/store.js'

export interface RequestBody {
  /** `Content-Length` in bytes, where there is one. */
  readonly declared: number | undefined
  /** `Transfer-Encoding: chunked`. */
  readonly chunked: boolean
  /** Once. Throws when the connection ends before the body does. */
  readonly read: () => AsyncIterable<Uint8Array>
}

export interface EmulatorRequest extends Target {
  readonly operation: OperationName
  readonly method: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: RequestBody
  /** When it arrived, in milliseconds of Unix time. */
  readonly now: number
  readonly requestId: string
}

/** A call whose sender is known. */
export interface RoutedRequest extends EmulatorRequest {
  readonly anonymous: boolean
}

/** Where handlers work. */
export interface EmulatorContext {
  readonly store: Store
  readonly settings: Settings
  readonly hosts: Hosts
}

export type Handler = (
  house: EmulatorContext,
  call: RoutedRequest
) => TE.TaskEither<ServiceError, EmulatorResponse>
