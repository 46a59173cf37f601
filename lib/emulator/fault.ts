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
  /** Milliseconds before the response's head; the request is performed before the delay. */
  readonly delay?: number
  /** Pauses for `pause` milliseconds after `after` bytes of the response's body. */
  readonly stall?: { readonly after: number; readonly pause: number }
  /** Sends the response's body in chunks of `size` bytes, `pause` milliseconds apart. */
  readonly dribble?: { readonly size: number; readonly pause: number }
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
