/** SELECT Object Content: what can be refused is refused before the answer begins; the rest is said in its stream. */
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
import { readXmlBody } from '../http/read-body.js'
import type { ServiceError } from '../http/service-error.js'
import { notImplemented, failSelect } from '../select/failure.js'
import { readRequest, type SelectRequest } from '../select/request.js'
import { runSelect } from '../select/run.js'
import { sqlReader, type SqlReader } from '../select/sql.js'
import type { StoredObject } from '../store/model.js'

/** What a Select needs of others, asked for when the first one comes. */
export interface SelectLibraries {
  readonly sql: TE.TaskEither<unknown, SqlReader>
  readonly csv: TE.TaskEither<unknown, CsvReader>
}

const maxXml = 256 * KiB

const missing = (name: string): TE.TaskEither<ServiceError, never> =>
  TE.fromEither(
    notImplemented(`The emulator runs SQL where the package ${name} is installed: npm install ${name}`)
  )

const found = (house: EmulatorContext, call: RoutedRequest): E.Either<ServiceError, StoredObject> =>
  pipe(
    E.Do,
    E.apS('bucket', bucketOf(house, call)),
    E.bind('object', ({ bucket }) =>
      hideExistence(call, bucket)(objectOf(bucket, call.key, call.query['versionId']))
    ),
    E.chainFirst(({ bucket, object }) => authorizeRead(call, bucket, object)),
    E.chainFirst(({ object }) => checkCustomerKey(call.headers, object.attributes.encryption)),
    E.chainFirst(({ object }) => checkReadable(object, call.now)),
    E.map(({ object }) => object)
  )

const parseRequest = async (call: RoutedRequest): Promise<E.Either<ServiceError, SelectRequest>> => {
  const rows = await readXmlBody(call, 'SelectRequest', maxXml)
  if (E.isLeft(rows))
    return rows.left.code === 'MalformedXML' ? failSelect('InvalidXML', rows.left.message) : rows
  return call.query['select-type'] === '2'
    ? readRequest(rows.right)
    : failSelect('InvalidRequestParameter', 'select-type should be 2.')
}

const streamEvents = (
  { store }: EmulatorContext,
  call: RoutedRequest,
  request: SelectRequest,
  { content }: StoredObject,
  [sql, csv]: readonly [SqlReader, CsvReader | undefined]
): E.Either<ServiceError, EmulatorResponse> => {
  const query = sql(request.expression)
  if (E.isLeft(query)) return failSelect('SQLParsingError', `The SQL is not valid: ${query.left}.`)
  // Held from now on: the object may be deleted while it is read.
  store.blobs.hold(content.segments)
  const open = (): AsyncIterable<Uint8Array> => store.blobs.read(content.segments)
  return E.right({
    status: 200,
    code: '',
    headers: { 'content-type': 'application/octet-stream' },
    body: {
      _tag: 'Stream',
      open: () => runSelect({ ...request, query: query.right, csv, open, now: call.now }),
      close: () => store.blobs.release(content.segments)
    }
  })
}

export const createSelectHandler =
  ({ sql, csv }: SelectLibraries): Handler =>
  (house, call) =>
    pipe(
      TE.Do,
      TE.bind('request', () => () => parseRequest(call)),
      TE.bind('object', () => TE.fromEither(found(house, call))),
      TE.bind('sql', () => TE.orElseW(() => missing('libpg-query'))(sql)),
      TE.bind('csv', ({ request }) =>
        request.input._tag === 'Csv'
          ? TE.orElseW(() => missing('csv-parse'))(csv)
          : TE.right<ServiceError, CsvReader | undefined>(undefined)
      ),
      TE.chainEitherK(({ request, object, sql, csv }) =>
        streamEvents(house, call, request, object, [sql, csv])
      )
    )

export const selectObjectContent: Handler = createSelectHandler({ sql: sqlReader(), csv: csvReader() })
