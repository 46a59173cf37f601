/** Faults as data: what goes wrong with one request, and scripts of them. */

/** What a fault is chosen by: the request, before anything was checked or read. */
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

/** An answer that does not come from the request. */
export interface InjectedResponse {
  readonly status: number
  /** Makes COS's error XML of it, with `message`, where `body` is absent. */
  readonly code?: string
  readonly message?: string
  /** The body as it is: HTML of a proxy, JSON, half an XML. By default none, or the XML of `code`. */
  readonly body?: string | Uint8Array
  /** Of the body; `application/xml` by default. */
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
  /** False for what did not come from COS: no `x-cos-request-id`. */
  readonly requestId?: boolean
  /**
   * `unperformed`, the default: the request's body is read, nothing is done. `early`: nothing is read either.
   * `performed`: everything is done, and then denied.
   */
  readonly when?: 'unperformed' | 'early' | 'performed'
}

export interface Fault {
  readonly answer?: InjectedResponse
  /**
   * Ends the connection: after so many bytes of the request's body, before the answer (all was done), or after so many
   * bytes of the answer's body.
   */
  readonly cut?:
    | { readonly at: 'request'; readonly after: number }
    | { readonly at: 'head' }
    | { readonly at: 'body'; readonly after: number }
  /** Ends it with a reset in place of an orderly end. */
  readonly reset?: boolean
  /** Milliseconds before the answer's head, after everything was done. */
  readonly delay?: number
  /** Stops for `pause` milliseconds once `after` bytes of the answer's body are out. */
  readonly stall?: { readonly after: number; readonly pause: number }
  /** Sends the answer's body in chunks of `size` bytes, `pause` milliseconds apart. */
  readonly dribble?: { readonly size: number; readonly pause: number }
  /** Sets headers of the answer, or leaves out those that are `null`: a wrong CRC, no ETag. Names in lower case. */
  readonly headers?: Readonly<Record<string, string | null>>
  /** Does everything, says 200, and puts this error into the body: as copies and completions may. */
  readonly error?: { readonly code: string; readonly message?: string }
  /** White space before the body, a byte each `pause` milliseconds: how COS keeps a slow completion's connection. */
  readonly keepAlive?: { readonly bytes: number; readonly pause?: number }
  /** Answers as if no `Range` had been asked for. */
  readonly ignoreRange?: boolean
  /** Inverts one byte of the answer's body. */
  readonly flip?: number
  /** Leaves out all of the answer's body after so many bytes, and ends it in good order: a short `Content-Length`. */
  readonly shorten?: number
}

/** One line of a script. */
export interface Rule {
  /** Which requests; each that is given must be equal. */
  readonly operation?: string
  readonly method?: string
  readonly bucket?: string
  readonly key?: string
  /** Query parameters that must be equal, such as `{ partNumber: '3' }`. */
  readonly query?: Readonly<Record<string, string>>
  readonly where?: (request: FaultInput) => boolean
  /** Lets so many of them pass before. */
  readonly skip?: number
  /** How many; without it, all. */
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
 * Makes an emulator's `fault` from rules. The first rule that applies is taken; one that has been used up steps aside
 * for those behind it.
 *
 * @example script([{ operation: 'UploadPart', times: 2, fault: { answer: { status: 503, code: 'SlowDown' } } }])
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
