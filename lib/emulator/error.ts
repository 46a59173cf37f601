/** Why an emulator did not start. */

/** An option makes no sense. */
export interface InvalidOption {
  readonly _tag: 'InvalidOption'
  /** Such as `buckets.0.name`. */
  readonly field: string
  readonly expected: string
}

/** The address can not be had: the port is taken, or the host is not of this machine. */
export interface CannotListen {
  readonly _tag: 'CannotListen'
  readonly host: string
  readonly port: number
  /** The system's code, such as `EADDRINUSE`. */
  readonly code: string
  readonly cause: unknown
}

/** The folder can not be used. */
export interface CannotStore {
  readonly _tag: 'CannotStore'
  readonly dir: string
  /** The system's code, such as `EACCES`; empty where it was not the system. */
  readonly code: string
  readonly cause: unknown
}

export type EmulatorError = InvalidOption | CannotListen | CannotStore

/** One line for a terminal. */
export const formatEmulatorError = (error: EmulatorError): string => {
  switch (error._tag) {
    case 'InvalidOption':
      return `${error.field} should be ${error.expected}`
    case 'CannotListen':
      return `cannot listen on ${error.host}:${String(error.port)}: ${error.code === '' ? String(error.cause) : error.code}`
    case 'CannotStore':
      return `cannot keep objects in ${error.dir}: ${error.code === '' ? String(error.cause) : error.code}`
  }
}
