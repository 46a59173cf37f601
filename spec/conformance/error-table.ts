/** COS's table of error codes, as data: which operations receive each code, and whether a retry is worthwhile. */

const lists = ['ListObjects', 'ListObjectVersions', 'ListMultipartUploads'] as const
const reads = ['HeadObject', 'GetObject'] as const
const copies = ['CopyObject', 'UploadPartCopy'] as const
/** The operations that set the metadata of an object. */
const makers = ['PutObject', 'CopyObject', 'CreateMultipartUpload'] as const
const documents = [
  'DeleteObjects',
  'RestoreObject',
  'CompleteMultipartUpload',
  'SelectObjectContent'
] as const
const bytes = ['PutObject', 'UploadPart'] as const
const ofUpload = [
  'UploadPart',
  'UploadPartCopy',
  'ListParts',
  'CompleteMultipartUpload',
  'AbortMultipartUpload'
] as const
const onObjects = [
  ...reads,
  ...makers,
  ...ofUpload,
  'DeleteObject',
  'RestoreObject',
  'SelectObjectContent'
] as const

export type Action = (typeof lists)[number] | (typeof onObjects)[number] | 'DeleteObjects'

/** Of every operation. */
export const all: ReadonlyArray<Action> = [...lists, ...onObjects, 'DeleteObjects']
const withBody: ReadonlyArray<Action> = [...bytes, ...documents]
const withLength: ReadonlyArray<Action> = [...withBody, ...copies, 'CreateMultipartUpload']
const underKeys: ReadonlyArray<Action> = [
  ...reads,
  ...makers,
  'UploadPart',
  'UploadPartCopy',
  'SelectObjectContent'
]
const writers: ReadonlyArray<Action> = ['PutObject', 'CopyObject', 'CompleteMultipartUpload']
const lockable: ReadonlyArray<Action> = [...writers, 'DeleteObject']

/** How often the library may send the request, by the column of COS's table. */
export type Retry = 'no' | 'once' | 'yes'

export interface ErrorRow {
  readonly status: number
  /** Empty: a response without a body, of a gateway. */
  readonly code: string
  readonly retry: Retry
  readonly to: ReadonlyArray<Action>
}

const errorRows = (
  status: number,
  codes: string,
  retry: Retry,
  to: ReadonlyArray<Action>
): ReadonlyArray<ErrorRow> => codes.split(/\s+/).map((code) => ({ status, code, retry, to }))

/**
 * @source https://cloud.tencent.com/document/product/436/7730
 *
 * Left out are those of other operations: `NoSuchTagSet`, `AppendPositionErr`, `ObjectNotAppendable`.
 * `RequestTimeTooSkewed` and `ExpiredToken` are those of a correct clock and of fixed credentials.
 */
export const refusals: ReadonlyArray<ErrorRow> = [
  ...errorRows(400, 'BadDigest', 'once', withBody),
  ...errorRows(400, 'InvalidDigest EntitySizeNotMatch IncompleteBody', 'no', withBody),
  ...errorRows(400, 'EntityTooLarge', 'no', [...bytes, ...copies]),
  ...errorRows(400, 'EntityTooSmall InvalidPart InvalidPartOrder', 'no', ['CompleteMultipartUpload']),
  ...errorRows(
    400,
    'InvalidArgument InvalidRequest InvalidURI InvalidBucketName InvalidRegionName BadRequest BadRquest',
    'no',
    all
  ),
  ...errorRows(400, 'InvalidObjectName KeyTooLong', 'no', onObjects),
  ...errorRows(400, 'InvalidTag', 'no', makers),
  ...errorRows(400, 'InvalidDelimiter', 'no', lists),
  ...errorRows(400, 'InvalidCopySource', 'no', copies),
  ...errorRows(400, 'InvalidSHA1Digest', 'no', bytes),
  ...errorRows(400, 'MalformedXML MissingRequestBodyError XMLSizeLimit UnexpectedContent', 'no', documents),
  ...errorRows(400, 'ExpiredToken', 'no', all),
  ...errorRows(400, 'RequestTimeout', 'yes', withBody),
  ...errorRows(400, 'UserNetworkTooSlow', 'once', bytes),
  ...errorRows(
    400,
    'NotSupportedStorageClass MAZOperationNotSupportOnOAZBucket OAZOperationNotSupportOnMAZBucket MultiAZFeatureNotSupport',
    'no',
    makers
  ),
  ...errorRows(400, 'SSEContentNotSupported SSEHeaderNotAllowed SsecDecryptHeaderInvalid', 'no', underKeys),
  ...errorRows(400, 'KmsException KmsKeyDisabled KmsKeyNotExist', 'no', underKeys),
  ...errorRows(400, 'ListPartUploadIdIsEmpty', 'no', ['ListParts']),
  ...errorRows(400, 'ActionAccelerateNotSupported BucketAccelerateNotEnabled', 'no', all),
  ...errorRows(402, 'PaymentRequired', 'no', all),
  ...errorRows(403, 'AccessDenied SignatureDoesNotMatch InvalidAccessKeyId RequestTimeTooSkewed', 'no', all),
  ...errorRows(403, 'UserNotSourceBucketOwner UserNotTargetBucketOwner', 'no', copies),
  ...errorRows(403, 'InvalidObjectState', 'no', ['GetObject', 'SelectObjectContent', ...copies]),
  ...errorRows(404, 'NoSuchBucket', 'no', all),
  ...errorRows(404, 'NoSuchKey', 'no', [...reads, ...copies, 'RestoreObject', 'SelectObjectContent']),
  ...errorRows(404, 'NoSuchVersion', 'no', [...reads, ...copies, 'RestoreObject', 'DeleteObject']),
  ...errorRows(404, 'NoSuchUpload', 'no', ofUpload),
  ...errorRows(404, 'NoSuchCopySource', 'no', copies),
  ...errorRows(405, 'MethodNotAllowed', 'no', all),
  ...errorRows(405, 'RestoreNonArchiveObject', 'no', ['RestoreObject']),
  ...errorRows(405, 'UploadIdNotSupported', 'no', ofUpload),
  ...errorRows(409, 'PathConflict', 'no', [...lockable, 'CreateMultipartUpload']),
  ...errorRows(409, 'UploadConflict', 'no', [...writers, 'CreateMultipartUpload', 'UploadPart']),
  ...errorRows(409, 'ObjectLocked', 'no', lockable),
  ...errorRows(409, 'RestoreAlreadyInProgress', 'no', ['RestoreObject']),
  ...errorRows(409, 'InvalidObjectState', 'no', ['GetObject', 'SelectObjectContent', ...copies]),
  ...errorRows(409, 'FileAlreadyExists', 'no', [...writers, 'CreateMultipartUpload']),
  ...errorRows(411, 'MissingContentLength', 'no', withLength),
  ...errorRows(412, 'PreconditionFailed', 'no', [...reads, ...copies]),
  ...errorRows(416, 'InvalidRange', 'no', ['GetObject', 'UploadPartCopy']),
  ...errorRows(429, 'TooManyRequests', 'yes', all),
  ...errorRows(451, 'UnavailableForLegalReasons DomainAuditFailed', 'no', all),
  ...errorRows(500, 'InternalError', 'yes', all),
  ...errorRows(500, 'KmsInternalException', 'yes', underKeys),
  ...errorRows(501, 'NotImplemented', 'no', all),
  ...errorRows(503, 'ServiceUnavailable SlowDown', 'yes', all),
  ...errorRows(503, 'KmsFreqControl', 'yes', underKeys),
  ...[500, 502, 503, 504, 520].flatMap((status) => errorRows(status, '', 'yes', all)),

  // -- of a Select alone --
  ...errorRows(400, 'Busy Overload ErrorWritingRow', 'yes', ['SelectObjectContent']),
  ...errorRows(
    400,
    `InvalidXML MissingRequiredParameter MissingExpectedExpression MissingInputSerialization MissingInputFormat
     MissingOutputSerialization MissingOutputFormat InvalidCompressionFormat InvalidFileHeaderInfo InvalidJsonType
     InvalidQuoteFields InvalidRequestParameter SQLParsingError AmbiguousFieldName ComparisonFailed CastFailed
     Bzip2DecompressError GzipDecompressError CSVParsingError JSONParsingError LastRecordParseFail
     InvalidTextEncoding OverMaxRecordSize`,
    'no',
    ['SelectObjectContent']
  )
]

/** A refusal without a body is named after its status. */
export const named: Readonly<Record<number, string>> = {
  400: 'InvalidRequest',
  402: 'Unknown',
  403: 'AccessDenied',
  404: 'NoSuchResource',
  405: 'MethodNotAllowed',
  409: 'Conflict',
  411: 'MissingContentLength',
  412: 'PreconditionFailed',
  416: 'InvalidRange',
  429: 'TooManyRequests',
  451: 'Unknown',
  500: 'InternalError',
  501: 'NotImplemented',
  502: 'Unknown',
  503: 'ServiceUnavailable',
  504: 'Unknown',
  520: 'Unknown'
}
