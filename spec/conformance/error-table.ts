/** COS's table of error codes, as data: what may be said, to which operation, and whether another try is worth it. */

export const lists = ['ListObjects', 'ListObjectVersions', 'ListMultipartUploads'] as const
const reads = ['HeadObject', 'GetObject'] as const
const copies = ['CopyObject', 'UploadPartCopy'] as const
/** Those that say all that an object will say of itself. */
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

const all: ReadonlyArray<Action> = [...lists, ...onObjects, 'DeleteObjects']
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

/** How often the library may try: COS's own column, in its words. */
export type Retry = 'no' | 'once' | 'yes'

export interface Said {
  readonly status: number
  /** Empty: an answer without a body, of a gateway's. */
  readonly code: string
  readonly retry: Retry
  readonly to: ReadonlyArray<Action>
}

const said = (status: number, codes: string, retry: Retry, to: ReadonlyArray<Action>): ReadonlyArray<Said> =>
  codes.split(/\s+/).map((code) => ({ status, code, retry, to }))

/**
 * @source https://cloud.tencent.com/document/product/436/7730
 *
 * Left out are those of other operations: `NoSuchTagSet`, `AppendPositionErr`, `ObjectNotAppendable`.
 * `RequestTimeTooSkewed` and `ExpiredToken` stand here as they are to a clock that is right and a key that is fixed.
 */
export const refusals: ReadonlyArray<Said> = [
  ...said(400, 'BadDigest', 'once', withBody),
  ...said(400, 'InvalidDigest EntitySizeNotMatch IncompleteBody', 'no', withBody),
  ...said(400, 'EntityTooLarge', 'no', [...bytes, ...copies]),
  ...said(400, 'EntityTooSmall InvalidPart InvalidPartOrder', 'no', ['CompleteMultipartUpload']),
  ...said(
    400,
    'InvalidArgument InvalidRequest InvalidURI InvalidBucketName InvalidRegionName BadRequest BadRquest',
    'no',
    all
  ),
  ...said(400, 'InvalidObjectName KeyTooLong', 'no', onObjects),
  ...said(400, 'InvalidTag', 'no', makers),
  ...said(400, 'InvalidDelimiter', 'no', lists),
  ...said(400, 'InvalidCopySource', 'no', copies),
  ...said(400, 'InvalidSHA1Digest', 'no', bytes),
  ...said(400, 'MalformedXML MissingRequestBodyError XMLSizeLimit UnexpectedContent', 'no', documents),
  ...said(400, 'ExpiredToken', 'no', all),
  ...said(400, 'RequestTimeout', 'yes', withBody),
  ...said(400, 'UserNetworkTooSlow', 'once', bytes),
  ...said(
    400,
    'NotSupportedStorageClass MAZOperationNotSupportOnOAZBucket OAZOperationNotSupportOnMAZBucket MultiAZFeatureNotSupport',
    'no',
    makers
  ),
  ...said(400, 'SSEContentNotSupported SSEHeaderNotAllowed SsecDecryptHeaderInvalid', 'no', underKeys),
  ...said(400, 'KmsException KmsKeyDisabled KmsKeyNotExist', 'no', underKeys),
  ...said(400, 'ListPartUploadIdIsEmpty', 'no', ['ListParts']),
  ...said(400, 'ActionAccelerateNotSupported BucketAccelerateNotEnabled', 'no', all),
  ...said(402, 'PaymentRequired', 'no', all),
  ...said(403, 'AccessDenied SignatureDoesNotMatch InvalidAccessKeyId RequestTimeTooSkewed', 'no', all),
  ...said(403, 'UserNotSourceBucketOwner UserNotTargetBucketOwner', 'no', copies),
  ...said(403, 'InvalidObjectState', 'no', ['GetObject', 'SelectObjectContent', ...copies]),
  ...said(404, 'NoSuchBucket', 'no', all),
  ...said(404, 'NoSuchKey', 'no', [...reads, ...copies, 'RestoreObject', 'SelectObjectContent']),
  ...said(404, 'NoSuchVersion', 'no', [...reads, ...copies, 'RestoreObject', 'DeleteObject']),
  ...said(404, 'NoSuchUpload', 'no', ofUpload),
  ...said(404, 'NoSuchCopySource', 'no', copies),
  ...said(405, 'MethodNotAllowed', 'no', all),
  ...said(405, 'RestoreNonArchiveObject', 'no', ['RestoreObject']),
  ...said(405, 'UploadIdNotSupported', 'no', ofUpload),
  ...said(409, 'PathConflict', 'no', [...lockable, 'CreateMultipartUpload']),
  ...said(409, 'UploadConflict', 'no', [...writers, 'CreateMultipartUpload', 'UploadPart']),
  ...said(409, 'ObjectLocked', 'no', lockable),
  ...said(409, 'RestoreAlreadyInProgress', 'no', ['RestoreObject']),
  ...said(409, 'InvalidObjectState', 'no', ['GetObject', 'SelectObjectContent', ...copies]),
  ...said(409, 'FileAlreadyExists', 'no', [...writers, 'CreateMultipartUpload']),
  ...said(411, 'MissingContentLength', 'no', withLength),
  ...said(412, 'PreconditionFailed', 'no', [...reads, ...copies]),
  ...said(416, 'InvalidRange', 'no', ['GetObject', 'UploadPartCopy']),
  ...said(429, 'TooManyRequests', 'yes', all),
  ...said(451, 'UnavailableForLegalReasons DomainAuditFailed', 'no', all),
  ...said(500, 'InternalError', 'yes', all),
  ...said(500, 'KmsInternalException', 'yes', underKeys),
  ...said(501, 'NotImplemented', 'no', all),
  ...said(503, 'ServiceUnavailable SlowDown', 'yes', all),
  ...said(503, 'KmsFreqControl', 'yes', underKeys),
  ...[500, 502, 503, 504, 520].flatMap((status) => said(status, '', 'yes', all)),

  // -- of a Select alone --
  ...said(400, 'Busy Overload ErrorWritingRow', 'yes', ['SelectObjectContent']),
  ...said(
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
