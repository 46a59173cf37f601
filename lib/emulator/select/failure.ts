/** The errors of Select, with COS's codes: HTTP errors before the response starts, messages in its stream afterwards. */
import * as E from 'fp-ts/lib/Either.js'
import { type ServiceError, serviceError } from '../http/service-error.js'

/** The status of each is 400 if it occurs before the response starts. */
export type SelectCode =
  | 'AmbiguousFieldName'
  | 'CastFailed'
  | 'ComparisonFailed'
  | 'CSVParsingError'
  | 'GzipDecompressError'
  | 'InternalError'
  | 'InvalidCompressionFormat'
  | 'InvalidFileHeaderInfo'
  | 'InvalidJsonType'
  | 'InvalidQuoteFields'
  | 'InvalidRequestParameter'
  | 'InvalidTextEncoding'
  | 'InvalidXML'
  | 'JSONParsingError'
  | 'LastRecordParseFail'
  | 'MissingExpectedExpression'
  | 'MissingInputFormat'
  | 'MissingInputSerialization'
  | 'MissingOutputFormat'
  | 'MissingOutputSerialization'
  | 'MissingRequiredParameter'
  | 'OverMaxRecordSize'
  | 'SQLParsingError'

/** Ends a running query: thrown through evaluators and generators, caught where the stream is written. */
export class SelectFailure extends Error {
  readonly code: SelectCode
  constructor(code: SelectCode, message: string) {
    super(message)
    this.code = code
  }
}

export const fail = (code: SelectCode, message: string): never => {
  throw new SelectFailure(code, message)
}

export const serviceErrorOf = (code: SelectCode, message: string): ServiceError => ({
  status: 400,
  code,
  message,
  headers: {}
})

export const failSelect = (code: SelectCode, message: string): E.Either<ServiceError, never> =>
  E.left(serviceErrorOf(code, message))

/** A feature that the emulator lacks, or that needs a package that is not installed. */
export const notImplemented = (message: string): E.Either<ServiceError, never> =>
  E.left(serviceError('NotImplemented', message))
