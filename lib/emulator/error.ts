/** The reasons why an emulator did not start. */

/** An option is not valid. */
export interface InvalidOption {
  readonly _tag: 'InvalidOption'
  /** Such as `buckets.0.name`. */
  readonly field: string
  /** `unknown`: there is no such option. */
  readonly problem: 'unknown' | 'invalid'
  /** The predicate of a sentence about the option, such as `must be an integer from 0 to 65,535`. */
  readonly message: string
  /** Of an unknown option: the known one with the most similar name. */
  readonly suggestion?: string
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

/** Another emulator uses the directory. */
export interface DirectoryInUse {
  readonly _tag: 'DirectoryInUse'
  readonly dir: string
  /** The process of the other emulator. */
  readonly pid: number
}

/** The directory cannot be used. */
export interface CannotStore {
  readonly _tag: 'CannotStore'
  readonly dir: string
  /** The system's code, such as `EACCES`; empty if the cause is not a system error. */
  readonly code: string
  readonly cause: unknown
}

/** The file of the option `tlsCa` cannot be written. */
export interface CannotWriteCa {
  readonly _tag: 'CannotWriteCa'
  readonly path: string
  /** The system's code, such as `EACCES`. */
  readonly code: string
  readonly cause: unknown
}

export type EmulatorError = InvalidOption | CannotListen | CannotStore | CannotWriteCa | DirectoryInUse

const suggest = (suggestion: string | undefined): string =>
  suggestion === undefined ? '' : ` (did you mean "${suggestion}"?)`

/** One line for a terminal. */
export const formatEmulatorError = (error: EmulatorError): string => {
  switch (error._tag) {
    case 'InvalidOption':
      return error.problem === 'unknown'
        ? `unknown option "${error.field}"${suggest(error.suggestion)}`
        : `${error.field}: ${error.message}`
    case 'CannotListen':
      return `cannot listen on ${error.host}:${String(error.port)}: ${error.code === '' ? String(error.cause) : error.code}`
    case 'CannotStore':
      return `cannot store objects in ${error.dir}: ${error.code === '' ? String(error.cause) : error.code}`
    case 'CannotWriteCa':
      return `cannot write the certificate authority to ${error.path}: ${error.code}`
    case 'DirectoryInUse':
      return `cannot store objects in ${error.dir}: it is in use by the emulator of process ${String(error.pid)}`
  }
}
