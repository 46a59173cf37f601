/** `cospipe/emulator`: a COS endpoint on the loopback interface, in this process. */
export type {
  CannotListen,
  CannotStore,
  CannotWriteCa,
  DirectoryInUse,
  EmulatorError,
  InvalidOption
} from './error.js'
export { formatEmulatorError } from './error.js'
export type { CapacityStep, InjectedResponse, Fault, FaultInput, Rule } from './fault.js'
export { capacity, script } from './fault.js'
export type { BucketOptions, Credentials, EmulatorOptions, RequestRecord, SeedObject } from './options.js'
export { exampleBucket, exampleCredentials } from './options.js'
export type { OperationName } from './http/route.js'
export { type Emulator, startEmulator } from './server/server.js'
