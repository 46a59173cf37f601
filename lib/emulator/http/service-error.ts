/** The errors that the emulator returns, with COS's codes, statuses and messages. */
import * as E from 'fp-ts/lib/Either.js'

const catalogue = {
  AccessDenied: [403, 'Access Denied.'],
  AccessForbidden: [403, 'CORSResponse: This CORS request is not allowed.'],
  AppendPositionErr: [409, 'The position is not equal to the length of the object.'],
  BadDigest: [400, 'The Content-MD5 you specified did not match what we received.'],
  BucketAlreadyOwnedByYou: [409, 'The bucket that you tried to create exists, and you own it.'],
  BucketNotEmpty: [409, 'The bucket you tried to delete is not empty.'],
  Conflict: [409, 'These conditions on the source of the copy conflict.'],
  DomainConfigNotFoundError: [404, 'The bucket has no custom domains.'],
  EntityTooLarge: [400, 'Your proposed upload exceeds the maximum allowed object size.'],
  EntityTooSmall: [400, 'Your proposed upload is smaller than the minimum allowed object size.'],
  ExpiredToken: [400, 'The provided token has expired.'],
  FileAlreadyExists: [409, 'The object exists, and x-cos-forbid-overwrite is true.'],
  IncompleteBody: [400, 'You did not provide the number of bytes specified by the Content-Length header.'],
  InternalError: [500, 'We encountered an internal error. Please try again.'],
  InvalidAccessKeyId: [403, 'The Access Key Id you provided does not exist in our records.'],
  InvalidArgument: [400, 'Invalid Argument.'],
  InvalidBucketName: [400, 'The specified bucket is not valid.'],
  InvalidCopySource: [400, 'The copy source is not valid.'],
  InvalidDelimiter: [400, 'The delimiter must be one character.'],
  InvalidDigest: [400, 'The Content-MD5 you specified is not valid.'],
  InvalidObjectName: [400, 'The object name contains characters that are not allowed.'],
  InvalidObjectState: [403, 'The operation is not valid for the storage class of the object.'],
  InvalidPart: [400, 'One or more of the specified parts could not be found, or its ETag did not match.'],
  InvalidPartOrder: [400, 'The list of parts was not in ascending order.'],
  InvalidRange: [416, 'The requested range is not satisfiable.'],
  InvalidRequest: [400, 'Invalid Request.'],
  InvalidSHA1Digest: [400, 'The x-cos-content-sha1 you specified did not match what we received.'],
  InvalidTag: [400, 'The tagging is not valid.'],
  InvalidURI: [400, "Couldn't parse the specified URI."],
  KeyTooLong: [400, 'Your key is too long.'],
  ListPartUploadIdIsEmpty: [400, 'The uploadId is empty.'],
  MAZOperationNotSupportOnOAZBucket: [400, 'The storage class is for multi-AZ buckets only.'],
  MalformedPOSTRequest: [400, 'The body of the POST is not valid multipart/form-data.'],
  MalformedPolicy: [400, 'The policy is not valid JSON.'],
  MalformedXML: [400, 'The XML you provided was not well-formed or did not validate against our schema.'],
  MetadataTooLarge: [400, 'Your metadata headers exceed the maximum allowed metadata size.'],
  MissingContentLength: [411, 'You must provide the Content-Length HTTP header.'],
  MissingRequestBodyError: [400, 'Request body is empty.'],
  NoSuchBucket: [404, 'The specified bucket does not exist.'],
  NoSuchCORSConfiguration: [404, 'The bucket has no CORS configuration.'],
  NoSuchConfiguration: [404, 'The bucket has no configuration with this id.'],
  NoSuchEncryptionConfiguration: [404, 'The bucket has no encryption configuration.'],
  NoSuchKey: [404, 'The specified key does not exist.'],
  NoSuchLifecycleConfiguration: [404, 'The bucket has no lifecycle configuration.'],
  NoSuchOriginConfiguration: [404, 'The bucket has no origin configuration.'],
  NoSuchPolicy: [404, 'The bucket has no policy.'],
  NoSuchTagSet: [404, 'There are no tags.'],
  NoSuchUpload: [404, 'The specified multipart upload does not exist.'],
  NoSuchVersion: [404, 'The specified version does not exist.'],
  NoSuchWebsiteConfiguration: [404, 'The bucket has no website configuration.'],
  NotImplemented: [501, 'The emulator does not implement this operation.'],
  NotSupportedStorageClass: [400, 'The storage class you specified is not supported.'],
  NotSymlink: [400, 'The object is not a symlink.'],
  OAZOperationNotSupportOnMAZBucket: [400, 'The storage class is not for multi-AZ buckets.'],
  ObjectLockConfigurationNotFoundError: [404, 'The bucket has no object lock configuration.'],
  ObjectNotAppendable: [409, 'The object is not appendable.'],
  PreconditionFailed: [412, 'At least one of the preconditions you specified did not hold.'],
  ReplicationConfigurationNotFoundError: [404, 'The bucket has no replication configuration.'],
  RequestTimeTooSkewed: [403, 'The difference between the request time and the server time is too large.'],
  RestoreAlreadyInProgress: [409, 'Object restore is already in progress.'],
  RestoreNonArchiveObject: [405, 'The object is not archived, so there is nothing to restore.'],
  SSEHeaderNotAllowed: [400, 'The server-side encryption header is not allowed here.'],
  SignatureDoesNotMatch: [403, 'The Signature you specified is invalid.'],
  SsecDecryptHeaderInvalid: [400, 'The customer-provided encryption key headers are missing or wrong.'],
  XMLSizeLimit: [400, 'The XML you provided is too large.']
} as const satisfies Record<string, readonly [number, string]>

export type Code = keyof typeof catalogue

export interface ServiceError {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly headers: Readonly<Record<string, string>>
}

export const serviceError = (
  code: Code,
  message: string = catalogue[code][1],
  headers: Readonly<Record<string, string>> = {}
): ServiceError => ({ status: catalogue[code][0], code, message, headers })

export const fail = (...words: Parameters<typeof serviceError>): E.Either<ServiceError, never> =>
  E.left(serviceError(...words))
