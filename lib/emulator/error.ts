/** The reasons why an emulator did not start. */

/** An option is not valid. */
export interface InvalidOption {
  readonly _tag: 'InvalidOption'
  /** Such as `buckets.0.name`. */
  readonly field: string
  readonly expected: string
}

/** The address is not available: the port is in use, or the host is not an address of this machine. */
export interface CannotListen {
  readonly _tag: 'CannotListen'
  readonly host: string
  readonly port: number
  /** The system's code, such as `EADDRINUSE`. */
  readonly code: string
  readonly cause: unknown
}

/** The directory cannot be used. */
export interface CannotStore {
  readonly _tag: 'CannotStore'
  readonly dir: string
  /** The system's code, such as `EACCES`; empty if the cause is not a system error. */
  readonly code: string
  readonly cause: unknown
}

export type EmulatorError = InvalidOption | CannotListen | CannotStore

/** One line for a terminal. */
export const formatEmulatorError = (error: EmulatorError): string => {
  switch (error._tag) {
    case 'InvalidOption':
      return `${error.field}: must be ${error.expected}`
    case 'CannotListen':
      return `cannot listen on ${error.host}:${String(error.port)}: ${error.code === '' ? String(error.cause) : error.code}`
    case 'CannotStore':
      return `cannot store objects in ${error.dir}: ${error.code === '' ? String(error.cause) : error.code}`
  }
}
