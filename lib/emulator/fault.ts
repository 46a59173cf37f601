/** Faults as data: an injected failure for one request, and scripts that choose it. */

/** The request that a fault is chosen for, before anything is checked or read. */
export interface FaultInput {
  /** As in `RequestRecord`: `PutObject`, `UploadPart`, ... */
  readonly operation: string
  readonly method: string
  readonly bucket: string
  readonly key: string
  readonly query: Readonly<Record<string, string>>
  readonly headers: Readonly<Record<string, string>>
  /** 1 for the first request of this operation, 2 for the second, ... */
  readonly count: number
  /** Other requests that the emulator serves at the moment, not counting those that a fault refuses unperformed. */
  readonly serving: number
}

/** A response in place of the emulator's own. */
export interface InjectedResponse {
  readonly status: number
  /** COS's error code. Without `body`, the body is COS's error XML with this code and `message`. */
  readonly code?: string
  readonly message?: string
  /** The exact body, such as a proxy's HTML, JSON or truncated XML. Default: the XML of `code`, or none. */
  readonly body?: string | Uint8Array
  /** Default: `application/xml`. */
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
  /** False omits `x-cos-request-id`, as in a response that does not come from COS. Default: true. */
  readonly requestId?: boolean
  /**
   * `unperformed`: the request's body is read, and nothing is stored. `early`: the body is not read either.
   * `performed`: the request is performed, and its response is replaced. Default: `unperformed`.
   */
  readonly when?: 'unperformed' | 'early' | 'performed'
}

export interface Fault {
  readonly response?: InjectedResponse
  /**
   * Ends the connection: after `after` bytes of the request's body; after `after` bytes of the response's head, 0 by
   * default (the request is performed); or after `after` bytes of the response's body.
   */
  readonly cut?:
    | { readonly at: 'request'; readonly after: number }
    | { readonly at: 'head'; readonly after?: number }
    | { readonly at: 'body'; readonly after: number }
  /** Ends the connection with a reset instead of FIN. Default: false. */
  readonly reset?: boolean
  /** Ends only the direction to the client: FIN is sent, and the request is read until the client closes. Default: false. */
  readonly halfClose?: boolean
  /** Milliseconds before the response's head; the request is performed before the delay. */
  readonly delay?: number
  /** Pauses for `pause` milliseconds after `after` bytes of the response's body. */
  readonly stall?: { readonly after: number; readonly pause: number }
  /** Sends the response's body in chunks of `size` bytes, `pause` milliseconds apart. */
  readonly dribble?: { readonly size: number; readonly pause: number }
  /** Limits the bodies of this request, in bytes per second: `up` the request's, `down` the response's. */
  readonly throttle?: { readonly up?: number; readonly down?: number }
  /** Omits these part numbers from a response to List Parts. */
  readonly loseParts?: ReadonlyArray<number>
  /** Sets response headers, such as a wrong CRC; `null` omits a header. Names in lower case. */
  readonly headers?: Readonly<Record<string, string | null>>
  /** Performs the request and responds 200 with this error in the body, as COS may for copies and completions. */
  readonly error?: { readonly code: string; readonly message?: string }
  /** White space before the body, one byte each `pause` milliseconds, as COS sends during a slow completion. */
  readonly keepAlive?: { readonly bytes: number; readonly pause?: number }
  /** Ignores the request's `Range`. */
  readonly ignoreRange?: boolean
  /** Inverts the byte at this offset of the response's body. */
  readonly flip?: number
  /** Truncates the response's body to this many bytes, with a `Content-Length` to match. */
  readonly shorten?: number
}

/** One line of a script. */
export interface Rule {
  /** The rule applies to a request if every given field is equal. */
  readonly operation?: string
  readonly method?: string
  readonly bucket?: string
  readonly key?: string
  /** Query parameters that must be equal, such as `{ partNumber: '3' }`. */
  readonly query?: Readonly<Record<string, string>>
  readonly where?: (request: FaultInput) => boolean
  /** The number of matching requests to leave alone first. Default: 0. */
  readonly skip?: number
  /** The number of requests to inject the fault into. Default: all. */
  readonly times?: number
  readonly fault: Fault
}

const matches = (rule: Rule, request: FaultInput): boolean =>
  (rule.operation ?? request.operation) === request.operation &&
  (rule.method ?? request.method) === request.method &&
  (rule.bucket ?? request.bucket) === request.bucket &&
  (rule.key ?? request.key) === request.key &&
  Object.entries(rule.query ?? {}).every(([name, value]) => request.query[name] === value) &&
  (rule.where?.(request) ?? true)

/**
 * Builds an emulator's `fault` option from rules. The first rule that applies is used. A rule that has been applied
 * `times` times no longer applies.
 *
 * @example script([{ operation: 'UploadPart', times: 2, fault: { response: { status: 503, code: 'SlowDown' } } }])
 */
export const script = (rules: ReadonlyArray<Rule>): ((request: FaultInput) => Fault | undefined) => {
  const seen = rules.map(() => 0)
  return (request) => {
    for (const [at, rule] of rules.entries()) {
      if (!matches(rule, request)) continue
      const before = seen[at] ?? 0
      seen[at] = before + 1
      const skip = rule.skip ?? 0
      if (before >= skip && before < skip + (rule.times ?? Infinity)) return rule.fault
    }
    return undefined
  }
}

/** A time in which a service has one capacity. */
export interface CapacityStep {
  /** Requests that are served at the same time. The others get 503 `SlowDown`. */
  readonly limit: number
  /** How long the step lasts from its first request, in milliseconds. Default: no limit. */
  readonly duration?: number
  /** The number of requests of the step, refused ones included. Default: no limit. */
  readonly requests?: number
}

const slowDown: Fault = {
  response: { status: 503, code: 'SlowDown', message: 'Please reduce your request rate.' }
}

/**
 * Builds an emulator's `fault` option that refuses requests beyond a capacity, which changes by steps. The last step that
 * has a `duration` or `requests` is followed by no limit.
 *
 * @param now milliseconds, monotonic; a spec may pass another clock
 * @example capacity([{ limit: 4, duration: 10_000 }, { limit: 32, duration: 10_000 }, { limit: 8 }])
 */
export const capacity = (
  steps: ReadonlyArray<CapacityStep>,
  now: () => number = () => performance.now()
): ((request: FaultInput) => Fault | undefined) => {
  const state = { step: 0, startedAt: Number.NaN, requests: 0 }
  const current = (): CapacityStep | undefined => {
    const step = steps[state.step]
    if (step === undefined) return undefined
    if (Number.isNaN(state.startedAt)) state.startedAt = now()
    const isOver =
      state.requests >= (step.requests ?? Infinity) || now() - state.startedAt >= (step.duration ?? Infinity)
    if (!isOver) return step
    // The next step starts where this one ends, even if no request came at that moment.
    state.startedAt =
      state.requests >= (step.requests ?? Infinity) ? now() : state.startedAt + (step.duration ?? 0)
    state.step += 1
    state.requests = 0
    return current()
  }
  return ({ serving }) => {
    const step = current()
    state.requests += 1
    return step !== undefined && serving >= step.limit ? slowDown : undefined
  }
}
