/** SELECT Object Content. Errors found before the response starts are HTTP errors; later ones are messages in its stream. */
import * as E from 'fp-ts/lib/Either.js'
import { pipe } from 'fp-ts/lib/function.js'
import * as TE from 'fp-ts/lib/TaskEither.js'
import { csvReader, type CsvReader } from '../../core/csv-records.js'
import { KiB } from '../../core/limits.js'
import { authorizeRead, hideExistence } from '../http/authorization.js'
import { checkCustomerKey } from './shared/attributes.js'
import type { EmulatorResponse } from '../http/response.js'
import type { Handler, EmulatorContext, RoutedRequest } from '../http/request.js'
import { bucketOf, checkReadable, objectOf } from './shared/objects.js'
import { rejectSymlink } from './shared/symlink.js'
import { readXmlBody } from '../http/read-body.js'
import type { ServiceError } from '../http/service-error.js'
import { notImplemented, failSelect } from '../select/failure.js'
import { readRequest, type SelectRequest } from '../select/request.js'
import { runSelect } from '../select/run.js'
import { sqlReader, type SqlReader } from '../select/sql.js'
import type { StoredObject } from '../store/model.js'

/** The optional packages that Select needs, loaded at the first Select. */
export interface SelectLibraries {
  readonly sql: TE.TaskEither<unknown, SqlReader>
  readonly csv: TE.TaskEither<unknown, CsvReader>
}

const maxXml = 256 * KiB

const missing = (name: string): TE.TaskEither<ServiceError, never> =>
  TE.fromEither(
    notImplemented(`The emulator runs SQL if the package ${name} is installed: npm install ${name}`)
  )

const findReadable = (
  context: EmulatorContext,
  request: RoutedRequest
): E.Either<ServiceError, StoredObject> =>
  pipe(
    E.Do,
    E.apS('bucket', bucketOf(context, request)),
    E.bind('object', ({ bucket }) =>
      hideExistence(request, bucket)(objectOf(bucket, request.key, request.query['versionId']))
    ),
    E.chainFirst(({ bucket, object }) => authorizeRead(request, bucket, object)),
    E.chainFirst(({ object }) => rejectSymlink(object)),
    E.chainFirst(({ object }) => checkCustomerKey(request.headers, object.attributes.encryption)),
    E.chainFirst(({ object }) => checkReadable(object, request.now)),
    E.map(({ object }) => object)
  )

const parseRequest = async (request: RoutedRequest): Promise<E.Either<ServiceError, SelectRequest>> => {
  const rows = await readXmlBody(request, 'SelectRequest', maxXml)
  if (E.isLeft(rows))
    return rows.left.code === 'MalformedXML' ? failSelect('InvalidXML', rows.left.message) : rows
  return request.query['select-type'] === '2'
    ? readRequest(rows.right)
    : failSelect('InvalidRequestParameter', 'select-type must be 2.')
}

const streamEvents = (
  { store }: EmulatorContext,
  request: RoutedRequest,
  selectRequest: SelectRequest,
  { content }: StoredObject,
  [sql, csv]: readonly [SqlReader, CsvReader | undefined]
): E.Either<ServiceError, EmulatorResponse> => {
  const query = sql(selectRequest.expression)
  if (E.isLeft(query)) return failSelect('SQLParsingError', `The SQL is not valid: ${query.left}.`)
  // Referenced from here on, because the object may be deleted while it is read.
  store.blobs.hold(content.segments)
  const open = (): AsyncIterable<Uint8Array> => store.blobs.read(content.segments)
  return E.right({
    status: 200,
    code: '',
    headers: { 'content-type': 'application/octet-stream' },
    body: {
      _tag: 'Stream',
      open: () => runSelect({ ...selectRequest, query: query.right, csv, open, now: request.now }),
      close: () => store.blobs.release(content.segments)
    }
  })
}

export const createSelectHandler =
  ({ sql, csv }: SelectLibraries): Handler =>
  (context, request) =>
    pipe(
      TE.Do,
      TE.bind('selectRequest', () => () => parseRequest(request)),
      TE.bind('object', () => TE.fromEither(findReadable(context, request))),
      TE.bind('sql', () => TE.orElseW(() => missing('libpg-query'))(sql)),
      TE.bind('csv', ({ selectRequest }) =>
        selectRequest.input._tag === 'Csv'
          ? TE.orElseW(() => missing('csv-parse'))(csv)
          : TE.right<ServiceError, CsvReader | undefined>(undefined)
      ),
      TE.chainEitherK(({ selectRequest, object, sql, csv }) =>
        streamEvents(context, request, selectRequest, object, [sql, csv])
      )
    )

export const selectObjectContent: Handler = createSelectHandler({ sql: sqlReader(), csv: csvReader() })
