/** Every no of a Select, in COS's words: before it begins a refusal, and later a message in its stream. */
import * as E from 'fp-ts/lib/Either.js'
import { type ServiceError, serviceError } from '../http/service-error.js'

/** All are 400 where they come before the answer has begun. */
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

/** Ends a query that is under way: thrown through evaluators and generators, caught where the stream is written. */
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

/** What the emulator does not do, or can not do without a package that is not there. */
export const notImplemented = (message: string): E.Either<ServiceError, never> =>
  E.left(serviceError('NotImplemented', message))
