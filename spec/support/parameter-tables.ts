/**
 * The parameter tables of lib/operations/README.md, made from the operations themselves: the codec of an input names its
 * fields and what each accepts, and the request shows the header, the query parameter or the element that carries it.
 */
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import * as cospipe from '../../lib/index.js'
import type { Request } from '../../lib/core/request.js'
import { trackParameters } from '../conformance/parameter-coverage.js'

type Input = Readonly<Record<string, unknown>>
type Make = (input: Input) => cospipe.Operation<unknown>

const at = { bucket: 'examplebucket-1250000000', key: 'a' }
const date = new Date(0)

// -- samples: valid values of optional fields, so that the request shows where they are sent --
const common = { headers: { 'x-a': '1' }, query: { a: '1' } }
const onObject = { ...common, allowPathLikeKey: true }
const entity = {
  cacheControl: 'a',
  contentDisposition: 'a',
  contentEncoding: 'a',
  contentLanguage: 'a',
  contentType: 'a',
  expires: date,
  metadata: { a: 'b' }
}
const access = {
  acl: 'private',
  grantRead: [{ id: '1' }],
  grantWrite: 'id="1"',
  grantReadAcp: 'id="1"',
  grantWriteAcp: 'id="1"',
  grantFullControl: 'id="1"'
}
const storage = { storageClass: 'ARCHIVE', tagging: { a: 'b' }, forbidOverwrite: true }
const sse = { sse: { type: 'KMS', keyId: 'a', context: { a: 'b' } } }
const customerKey = { sse: { type: 'C', key: new Uint8Array(32) } }
const callback = {
  callback: { callbackUrl: 'http://a', callbackHost: 'a', callbackBody: 'a', callbackBodyType: 'a' },
  callbackVar: { 'x:a': 'b' },
  picOperations: '{}'
}
const body = { body: 'a', contentLength: 1, contentMd5: 'DMF1ucDxtqgxw5niaXcmYQ==', expectContinue: true }
const conditions = { ifMatch: 'a', ifNoneMatch: 'b', ifModifiedSince: date, ifUnmodifiedSince: date }
const source = {
  copySource: { bucket: at.bucket, region: 'ap-guangzhou', key: 'b', versionId: 'v' },
  copySourceSse: customerKey.sse,
  copySourceIfMatch: 'a',
  copySourceIfNoneMatch: 'b',
  copySourceIfModifiedSince: date,
  copySourceIfUnmodifiedSince: date
}
const listing = { prefix: 'a', delimiter: '/', encodingType: 'url' }
const csv = {
  recordDelimiter: '\n',
  fieldDelimiter: ',',
  quoteCharacter: '"',
  quoteEscapeCharacter: '"'
}

interface Section {
  /** Methods of the Python SDK. */
  readonly methods: ReadonlyArray<string>
  readonly name: string
  readonly make: Make
  /** Inputs that together have every field. */
  readonly samples: readonly [Input, ...ReadonlyArray<Input>]
  /** Python parameters whose names are not ours with a capital letter. */
  readonly python: Readonly<Record<string, string>>
}

const section = <I>(
  methods: string,
  name: string,
  make: (input: I) => cospipe.Operation<unknown>,
  samples: readonly [Input, ...ReadonlyArray<Input>],
  python: Readonly<Record<string, string>> = {}
): Section => ({
  methods: methods.split(' '),
  name,
  // The samples are checked by the codecs: an invalid one fails the spec.
  make: make as unknown as Make,
  samples,
  python
})

const range = { ...at, range: { first: 0, last: 1 } }
const copySource = {
  'copySource.bucket': 'CopySource.Bucket',
  'copySource.key': 'CopySource.Key',
  'copySource.region': 'CopySource.Region',
  'copySource.versionId': 'CopySource.VersionId'
}
const part = { partNumber: 1, uploadId: 'u' }

export const sections: ReadonlyArray<Section> = [
  section('list_objects', 'listObjects', cospipe.listObjects, [
    { bucket: at.bucket, ...common, ...listing, marker: 'a', maxKeys: 1 }
  ]),
  section('list_objects_versions', 'listObjectVersions', cospipe.listObjectVersions, [
    { bucket: at.bucket, ...common, ...listing, keyMarker: 'a', versionIdMarker: 'v', maxKeys: 1 }
  ]),
  section(
    'put_object put_object_from_local_file',
    'putObject',
    cospipe.putObject,
    [
      {
        ...at,
        ...onObject,
        ...body,
        ...entity,
        ...access,
        ...storage,
        ...sse,
        ...callback,
        trafficLimit: 819_200
      },
      { ...at, body: 'a', enableMd5: true, ...customerKey }
    ],
    { acl: 'ACL', enableMd5: 'EnableMD5', contentMd5: 'ContentMD5', body: 'Body LocalFilePath' }
  ),
  section('head_object', 'headObject', cospipe.headObject, [
    { ...at, ...onObject, ...conditions, ...customerKey, versionId: 'v', referer: 'a' }
  ]),
  section('get_object', 'getObject', cospipe.getObject, [
    {
      ...range,
      ...onObject,
      ...conditions,
      ...customerKey,
      versionId: 'v',
      referer: 'a',
      acceptEncoding: 'gzip',
      resume: true,
      trafficLimit: 819_200,
      responseCacheControl: 'a',
      responseContentDisposition: 'a',
      responseContentEncoding: 'a',
      responseContentLanguage: 'a',
      responseContentType: 'a',
      responseExpires: date
    },
    { ...at, range: { suffix: 1 } }
  ]),
  section(
    'copy_object',
    'copyObject',
    cospipe.copyObject,
    [
      {
        ...at,
        ...onObject,
        ...source,
        ...entity,
        ...access,
        ...storage,
        ...sse,
        copyStatus: 'Replaced',
        taggingDirective: 'Replaced'
      },
      {
        ...at,
        ...customerKey,
        copySource: { ...source.copySource, endpoint: 'cos.ap-guangzhou.myqcloud.com' }
      }
    ],
    { acl: 'ACL', ...copySource }
  ),
  section('delete_object', 'deleteObject', cospipe.deleteObject, [{ ...at, ...onObject, versionId: 'v' }]),
  section(
    'delete_objects',
    'deleteObjects',
    cospipe.deleteObjects,
    [{ bucket: at.bucket, ...common, objects: [{ key: 'a', versionId: 'v' }], quiet: true }],
    {
      objects: 'Delete.Object[]',
      'objects[].key': 'Delete.Object[].Key',
      'objects[].versionId': 'Delete.Object[].VersionId',
      quiet: 'Delete.Quiet'
    }
  ),
  section(
    'restore_object',
    'restoreObject',
    cospipe.restoreObject,
    [{ ...at, ...onObject, days: 1, tier: 'Bulk', versionId: 'v' }],
    { days: 'RestoreRequest.Days', tier: 'RestoreRequest.CASJobParameters.Tier' }
  ),
  section(
    'select_object_content',
    'selectObjectContent',
    cospipe.selectObjectContent,
    [
      {
        ...at,
        ...onObject,
        expression: 'a',
        expressionType: 'SQL',
        inputSerialization: {
          csv: { ...csv, fileHeaderInfo: 'USE', comments: '#', allowQuotedRecordDelimiter: true },
          compressionType: 'GZIP'
        },
        outputSerialization: { csv: { ...csv, quoteFields: 'ALWAYS' } },
        requestProgress: { enabled: true }
      },
      {
        ...at,
        expression: 'a',
        inputSerialization: { json: { type: 'LINES' } },
        outputSerialization: { json: { recordDelimiter: '\n' } }
      },
      { ...at, expression: 'a', inputSerialization: { parquet: {} }, outputSerialization: { json: {} } }
    ],
    {
      'inputSerialization.compressionType': 'InputSerialization.CompressionType',
      'inputSerialization.json.type': 'InputSerialization.JSON.Type',
      'inputSerialization.csv': 'InputSerialization.CSV',
      'outputSerialization.csv': 'OutputSerialization.CSV',
      'outputSerialization.json': 'OutputSerialization.JSON',
      'requestProgress.enabled': 'RequestProgress.Enabled'
    }
  ),
  section('list_multipart_uploads', 'listMultipartUploads', cospipe.listMultipartUploads, [
    { bucket: at.bucket, ...common, ...listing, keyMarker: 'a', uploadIdMarker: 'u', maxUploads: 1 }
  ]),
  section(
    'create_multipart_upload',
    'createMultipartUpload',
    cospipe.createMultipartUpload,
    [
      { ...at, ...onObject, ...entity, ...access, ...storage, ...sse },
      { ...at, ...customerKey }
    ],
    { acl: 'ACL' }
  ),
  section(
    'upload_part',
    'uploadPart',
    cospipe.uploadPart,
    [
      { ...at, ...part, ...onObject, ...body, ...customerKey, trafficLimit: 819_200 },
      { ...at, ...part, body: 'a', enableMd5: true }
    ],
    { enableMd5: 'EnableMD5', contentMd5: 'ContentMD5' }
  ),
  section(
    'upload_part_copy',
    'uploadPartCopy',
    cospipe.uploadPartCopy,
    [
      { ...at, ...part, ...onObject, ...source, ...customerKey, copySourceRange: { first: 0, last: 1 } },
      { ...at, ...part, copySource: { ...source.copySource, endpoint: 'cos.ap-guangzhou.myqcloud.com' } }
    ],
    copySource
  ),
  section('list_parts', 'listParts', cospipe.listParts, [
    { ...at, ...onObject, uploadId: 'u', partNumberMarker: 1, maxParts: 1, encodingType: 'url' }
  ]),
  section(
    'complete_multipart_upload',
    'completeMultipartUpload',
    cospipe.completeMultipartUpload,
    [
      {
        ...at,
        ...onObject,
        ...callback,
        uploadId: 'u',
        parts: [{ partNumber: 1, etag: '"a"' }],
        forbidOverwrite: true
      }
    ],
    {
      parts: 'MultipartUpload.Part[]',
      'parts[].partNumber': 'MultipartUpload.Part[].PartNumber',
      'parts[].etag': 'MultipartUpload.Part[].ETag'
    }
  ),
  section('abort_multipart_upload', 'abortMultipartUpload', cospipe.abortMultipartUpload, [
    { ...at, ...onObject, uploadId: 'u' }
  ])
]

// -- rows --
/** Required fields: without them there is no request to compare with. */
const carriers: Readonly<Record<string, string>> = {
  bucket: '`Host`',
  key: 'path',
  body: 'body',
  uploadId: '`?uploadId`',
  partNumber: '`?partNumber`',
  keyMarker: '`?key-marker`',
  copyStatus: '`x-cos-metadata-directive`',
  taggingDirective: '`x-cos-tagging-directive`',
  copySource: '`x-cos-copy-source`',
  'copySource.bucket': '`x-cos-copy-source`',
  'copySource.key': '`x-cos-copy-source`',
  'copySource.region': '`x-cos-copy-source`',
  'copySource.endpoint': '`x-cos-copy-source`',
  objects: '`<Object>`',
  'objects[].key': '`<Key>`',
  parts: '`<Part>`',
  'parts[].partNumber': '`<PartNumber>`',
  'parts[].etag': '`<ETag>`',
  days: '`<Days>`',
  expression: '`<Expression>`',
  inputSerialization: '`<InputSerialization>`',
  'inputSerialization.csv': '`<CSV>`',
  'inputSerialization.json': '`<JSON>`',
  'inputSerialization.json.type': '`<Type>`',
  'inputSerialization.parquet': '`<Parquet>`',
  outputSerialization: '`<OutputSerialization>`',
  'outputSerialization.csv': '`<CSV>`',
  'outputSerialization.json': '`<JSON>`',
  'requestProgress.enabled': '`<Enabled>`',
  headers: 'headers',
  query: 'query',
  // Always sent.
  tier: '`<Tier>`',
  quiet: '`<Quiet>`',
  expressionType: '`<ExpressionType>`',
  encodingType: '`?encoding-type`',
  acceptEncoding: '`Accept-Encoding`',
  resume: '`Range` and `If-Match` of the next request',
  expectContinue: '`Expect`',
  enableMd5: '`Content-MD5`',
  contentLength: '`Content-Length`',
  metadata: '`x-cos-meta-*`',
  tagging: '`x-cos-tagging`'
}

/** The names of everything a request sends. */
const sentNames = ({ headers, query, body }: Request): ReadonlySet<string> =>
  new Set([
    ...Object.keys(headers).map((name) => `\`${name}\``),
    ...Object.keys(query).map((name) => `\`?${name}\``),
    ...(body._tag === 'Bytes'
      ? [
          ...Buffer.concat(body.chunks)
            .toString()
            .matchAll(/<(\w+)>/g)
        ].map(([, name = '']) => `\`<${name}>\``)
      : [])
  ])

const isRecord = (u: unknown): u is Input =>
  typeof u === 'object' && u !== null && !(u instanceof Date) && !(u instanceof Uint8Array)

/** A copy of the value in which the field at the path has another value. */
const withField = (value: unknown, path: ReadonlyArray<string>, field: unknown): unknown => {
  const [name, ...rest] = path
  if (name === undefined) return field
  if (name === '[]') return Array.isArray(value) ? [withField(value[0], rest, field)] : value
  return isRecord(value) ? { ...value, [name]: withField(value[name], rest, field) } : value
}

const fieldAt = (value: unknown, path: ReadonlyArray<string>): unknown => {
  const [name, ...rest] = path
  if (name === undefined) return value
  if (name === '[]') return Array.isArray(value) ? fieldAt(value[0], rest) : undefined
  return isRecord(value) ? fieldAt(value[name], rest) : undefined
}

const segments = (path: string): ReadonlyArray<string> => path.replaceAll('[]', '.[]').split('.')

const requestOf = (make: Make, input: unknown): E.Either<cospipe.InvalidInput, Request> =>
  make(isRecord(input) ? input : {}).request

export interface Row {
  /** Our field, such as `copySource.key`. */
  readonly path: string
  readonly required: boolean
  /** What the codec accepts. */
  readonly accepts: string
  readonly wire: string
  readonly python: string
}

/** Records of the caller's own names. */
const isOurName = (path: string): boolean =>
  /^(headers|query|metadata|tagging|callbackVar|picOperations|sse\.context)\./.test(path)

const pythonOf = ({ python, methods }: Section, path: string, guide: ReadonlySet<string>): string => {
  const name = python[path] ?? path.charAt(0).toUpperCase() + path.slice(1)
  return methods.length > 0 && name.split(' ').every((each) => guide.has(each)) ? name : ''
}

export const rowsOf = (section: Section, guide: ReadonlySet<string>): ReadonlyArray<Row> => {
  const { make, samples } = section
  const paths = samples.flatMap((sample) => {
    const tracker = trackParameters(make)
    const { request } = tracker.call(sample)
    if (E.isLeft(request)) throw new Error(`${section.name}: ${request.left.field} ${request.left.message}`)
    return tracker.paths().map((path) => ({ path, sample }))
  })
  const names = [...new Set(paths.map(({ path }) => path))].filter((path) => !isOurName(path))
  return names.map((path) => {
    const at = segments(path)
    const having = paths.filter((each) => each.path === path).map(({ sample }) => sample)
    const sample = having.find((each) => fieldAt(each, at) !== undefined) ?? having[0]
    const wrong = requestOf(make, withField(sample, at, Symbol('invalid')))
    const without = requestOf(make, withField(sample, at, undefined))
    const whole = requestOf(make, sample)
    const left = E.isRight(without) ? sentNames(without.right) : new Set<string>()
    const sent = E.isRight(whole) ? [...sentNames(whole.right)].filter((name) => !left.has(name)) : []
    return {
      path,
      required: E.isLeft(without) && without.left.message === 'is required',
      accepts: E.isLeft(wrong) ? wrong.left.message.replace(/^must be /, '') : '',
      wire: carriers[path] ?? (E.isRight(without) ? sent.join(', ') : ''),
      python: pythonOf(section, path, guide)
    }
  })
}

// -- Markdown --
const cell = (text: string): string => text.replaceAll('|', '\\|')

const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const line = (row: ReadonlyArray<string>): string => `| ${row.join(' | ')} |`
  const [head = [], ...rest] = rows
  return [line(head), line(head.map(() => '---')), ...rest.map(line)].join('\n')
}

const inputTable = (rows: ReadonlyArray<Row>): string =>
  table([
    ['cospipe', 'accepts', 'COS', 'Python SDK'],
    ...rows.map(({ path, required, accepts, wire, python }) => [
      `\`${path}${required ? '' : '?'}\``,
      cell(accepts),
      cell(wire),
      python
        .split(' ')
        .filter((name) => name !== '')
        .map((name) => `\`${name}\``)
        .join(', ')
    ])
  ])

/** Replaces the tables between `<!-- input of NAME -->` and `<!-- end -->`. */
export const withTables = (readme: string, guide: Readonly<Record<string, string>>): string =>
  readme.replace(
    /(<!-- input of (\w+) -->\n)[^]*?(<!-- end -->)/g,
    (whole, open: string, name: string, close: string) =>
      O.match(
        () => whole,
        (section: Section) => {
          const known = new Set(section.methods.flatMap((method) => (guide[method] ?? '').split(' ')))
          return `${open}\n${inputTable(rowsOf(section, known))}\n\n${close}`
        }
      )(O.fromNullable(sections.find((each) => each.name === name)))
  )
