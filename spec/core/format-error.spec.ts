import { once } from 'node:events'
import { createServer } from 'node:net'
import { inspect } from 'node:util'
import * as E from 'fp-ts/lib/Either.js'
import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { clientFromEnvironment, credentialsFromEnvironment } from '../../lib/client/environment.js'
import { createClient, type ClientConfig } from '../../lib/client/client.js'
import { presign } from '../../lib/client/presign.js'
import { send, type CosEffect } from '../../lib/client/send.js'
import { CosException, type Context, type CosError, type Timeout } from '../../lib/core/error.js'
import { formatError } from '../../lib/core/format-error.js'
import { completeMultipartUpload } from '../../lib/operations/complete-multipart-upload.js'
import { deleteObjects } from '../../lib/operations/delete-objects.js'
import { getObject } from '../../lib/operations/get-object.js'
import { headObject } from '../../lib/operations/head-object.js'
import { putObject } from '../../lib/operations/put-object.js'
import { deletePrefix } from '../../lib/transfers/prefix/delete-prefix.js'
import { uploadFile } from '../../lib/transfers/upload/upload-file.js'
import { uploadStream } from '../../lib/transfers/upload/upload-stream.js'
import { clientOf, credentials, left, startServer } from '../support/server.js'

interface Test {
  readonly teardown: (clean: () => unknown) => unknown
}

// Inputs that the types refuse are passed as `never`: callers without TypeScript pass them.
const bucket = 'examplebucket-1250000000'
const at = { bucket, key: 'a.txt' }
const put = { ...at, body: 'x' }

/** The address of a port that no server listens on. */
const closedAddress = async (): Promise<string> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return `127.0.0.1:${typeof address === 'object' && address !== null ? String(address.port) : ''}`
}

const createUnconnected = (t: Test, config: Partial<ClientConfig> = {}) => clientOf(t, '127.0.0.1:1')(config)

const failureOf = async (t: Test, effect: CosEffect<unknown>): Promise<CosError> =>
  left(await effect(createUnconnected(t))())

const bytes = async function* (text: string): AsyncGenerator<Uint8Array, void, undefined> {
  yield Buffer.from(text)
}

const streamFailure = async (stream: AsyncIterable<unknown>): Promise<CosError> => {
  try {
    for await (const value of stream) throw new Error('a value where a failure was due', { cause: value })
  } catch (thrown) {
    if (thrown instanceof CosException) return thrown.error
    throw thrown
  }
  throw new Error('an end where a failure was due')
}

const configure = (config: unknown): CosError => left(createClient(config as never))

const region = 'ap-guangzhou'

/** Real calls with an invalid input, and the line of each. */
const invalidInputs = async (t: Test): Promise<ReadonlyArray<readonly [CosError, string]>> => [
  [left(headObject(null as never).request), 'HeadObject: input: must be an object, got null'],
  [left(headObject('a.txt' as never).request), 'HeadObject: input: must be an object, got "a.txt"'],
  // missing
  [left(headObject({ bucket } as never).request), `HeadObject ${bucket}: key: is required`],
  [
    await streamFailure(deletePrefix({ bucket } as never)(createUnconnected(t))),
    `deletePrefix ${bucket}: prefix: is required`
  ],
  [configure({ region }), 'createClient: credentials: is required'],
  [
    left(credentialsFromEnvironment({})),
    'credentialsFromEnvironment: COS_SECRET_ID: environment variable is not set'
  ],
  [
    left(clientFromEnvironment({}, { COS_SECRET_ID: 'AKIDexample' })),
    'credentialsFromEnvironment: COS_SECRET_KEY: environment variable is not set'
  ],
  // unknown
  [
    left(putObject({ ...put, storageclass: 'STANDARD' } as never).request),
    `PutObject ${bucket}/a.txt: invalid input: unknown field "storageclass" (did you mean "storageClass"?)`
  ],
  [
    left(putObject({ ...put, colour: 'red' } as never).request),
    `PutObject ${bucket}/a.txt: invalid input: unknown field "colour"`
  ],
  [
    left(getObject({ ...at, range: { first: 0, lst: 9 } } as never).request),
    `GetObject ${bucket}/a.txt: invalid input: unknown field "range.lst" (did you mean "last"?)`
  ],
  [
    await failureOf(t, uploadStream({ ...at, partsize: 1 } as never)(bytes('x'))),
    `uploadStream ${bucket}/a.txt: invalid input: unknown field "partsize" (did you mean "partSize"?)`
  ],
  [
    configure({ regoin: region, credentials }),
    'createClient: invalid input: unknown field "regoin" (did you mean "region"?)'
  ],
  // invalid
  [
    left(headObject({ bucket: 'b', key: 'a' }).request),
    'HeadObject b/a: bucket: must be a bucket name with its APPID, such as examplebucket-1250000000, of at most 60 characters, got "b"'
  ],
  [left(headObject({ bucket, key: '' }).request), `HeadObject ${bucket}: key: must not be empty`],
  [
    left(putObject({ ...put, trafficLimit: 5 }).request),
    `PutObject ${bucket}/a.txt: trafficLimit: must be an integer from 819,200 to 838,860,800 (bit/s), got 5`
  ],
  [
    left(putObject({ ...put, contentMd5: 'x' }).request),
    `PutObject ${bucket}/a.txt: contentMd5: must be base64 of the 16 bytes of an MD5 (24 characters), got "x"`
  ],
  [
    left(putObject({ ...put, body: 5 } as never).request),
    `PutObject ${bucket}/a.txt: body: must be a string, a Uint8Array, an async iterable of bytes, { file }, { open, size } or { chunks }, got 5`
  ],
  [
    left(getObject({ ...at, range: { first: 5, last: 2 } }).request),
    `GetObject ${bucket}/a.txt: range.last: must be at least first, which is 5`
  ],
  [
    left(getObject({ ...at, range: 'bytes=0-9' } as never).request),
    `GetObject ${bucket}/a.txt: range: must be a range, { first, last } or { suffix }, got "bytes=0-9"`
  ],
  [
    left(completeMultipartUpload({ ...at, uploadId: 'u', parts: [] }).request),
    `CompleteMultipartUpload ${bucket}/a.txt: parts: must be 1 to 10,000 parts, got an array of 0`
  ],
  [
    left(deleteObjects({ bucket, objects: [] }).request),
    `DeleteObjects ${bucket}: objects: must be 1 to 1,000 objects, got an array of 0`
  ],
  [
    await failureOf(t, uploadStream({ ...at, partSize: 1024 })(bytes('x'))),
    `uploadStream ${bucket}/a.txt: partSize: must be 1 MiB to 5 GiB, in bytes (1048576 to 5368709120), got 1024`
  ],
  [
    await streamFailure(deletePrefix({ bucket, prefix: 'x', concurrency: 0 })(createUnconnected(t))),
    `deletePrefix ${bucket}: concurrency: must be an integer from 1 to 1,000, got 0`
  ],
  [
    await failureOf(t, presign(getObject(at), 0)),
    `GetObject ${bucket}/a.txt: expiresIn: must be an integer, at least 1 (seconds), got 0`
  ],
  [
    configure({ region: 'x y', credentials }),
    'createClient: region: must be a region such as ap-guangzhou, got "x y"'
  ],
  [
    configure({ region, credentials, timeouts: { connect: -1 } }),
    'createClient: timeouts.connect: must be an integer from 1 to 2,147,483,647 (milliseconds), got -1'
  ],
  // conflict
  [
    left(headObject({ bucket, key: 'a/..' }).request),
    `HeadObject ${bucket}/a/..: key: "a/.." normalizes to an empty path and a proxy could address the bucket instead; set allowPathLikeKey: true to send it anyway`
  ],
  [
    await streamFailure(deletePrefix({ bucket, prefix: '' })(createUnconnected(t))),
    `deletePrefix ${bucket}: prefix: must not be empty; set wholeBucket: true to act on every object in the bucket`
  ],
  [
    await failureOf(t, send(putObject({ ...at, body: bytes('x'), enableMd5: true }))),
    `PutObject ${bucket}/a.txt: enableMd5: not supported for a stream body (it can be read only once); pass contentMd5 or a replayable body`
  ]
]

const context: Context = { operation: 'GetObject', bucket, key: O.some('a.txt'), attempts: 1 }
const head: Context = { ...context, operation: 'HeadObject' }
const transfer: Context = { ...context, operation: 'uploadFile', attempts: 0 }
const host = '127.0.0.1:9000'

const service = {
  _tag: 'ServiceError',
  context,
  status: 404,
  code: 'NoSuchKey',
  message: 'The specified key does not exist.',
  resource: '/a.txt',
  requestId: 'NjYwMQ==',
  traceId: '',
  headers: {}
} as const

const timeout = (phase: Timeout['phase'], after: number): Timeout => ({
  _tag: 'Timeout',
  context: { ...context, attempts: 4 },
  host: phase === 'overall' ? '' : host,
  phase,
  after
})

const transport = (code: string, cause: unknown): CosError => ({
  _tag: 'TransportError',
  context: { ...context, attempts: 2 },
  host,
  code,
  cause
})

const systemError = (code: string, message: string): Error => Object.assign(new Error(message), { code })

/** Errors of the other tags, and the line of each. */
const otherErrors: ReadonlyArray<readonly [CosError, string]> = [
  [service, `GetObject ${bucket}/a.txt: 404 NoSuchKey: The specified key does not exist. (request NjYwMQ==)`],
  [
    { ...service, context: { ...head, attempts: 3 }, status: 503, code: 'ServiceUnavailable', message: '' },
    `HeadObject ${bucket}/a.txt: 503 ServiceUnavailable (HEAD has no error body) (request NjYwMQ==) (3 attempts)`
  ],
  [
    { ...service, status: 502, code: 'Unknown', message: '', requestId: '' },
    `GetObject ${bucket}/a.txt: 502 Unknown`
  ],
  [
    {
      _tag: 'DecodeError',
      context,
      status: 200,
      problems: ['etag: is missing', 'content-length: must be a byte count'],
      requestId: 'NjYwMQ=='
    },
    `GetObject ${bucket}/a.txt: cannot read the response (status 200): etag: is missing; content-length: must be a byte count (request NjYwMQ==)`
  ],
  [
    { _tag: 'SizeLimitExceeded', context, limit: 16 * 1024 * 1024 },
    `GetObject ${bucket}/a.txt: the body exceeds the limit of 16 MiB (16777216 bytes)`
  ],
  [
    transport('ECONNRESET', systemError('ECONNRESET', 'read ECONNRESET')),
    `GetObject ${bucket}/a.txt: connection lost: ECONNRESET ${host} (2 attempts)`
  ],
  [
    transport('ShortBody', new Error('the body ended after 3 of 10 bytes')),
    `GetObject ${bucket}/a.txt: incomplete response from ${host}: the body ended after 3 of 10 bytes (2 attempts)`
  ],
  [
    transport('', new TypeError('a chunk of the response body is not bytes')),
    `GetObject ${bucket}/a.txt: request failed: TypeError: a chunk of the response body is not bytes ${host} (2 attempts)`
  ],
  [
    timeout('connect', 3000),
    `GetObject ${bucket}/a.txt: connect timeout: no connection to ${host} within 3 s (4 attempts)`
  ],
  [
    timeout('headers', 30_000),
    `GetObject ${bucket}/a.txt: headers timeout: no response from ${host} within 30 s (4 attempts)`
  ],
  [
    timeout('idle', 500),
    `GetObject ${bucket}/a.txt: idle timeout: no data to or from ${host} within 500 ms (4 attempts)`
  ],
  [
    timeout('unread', 60_000),
    `GetObject ${bucket}/a.txt: unread timeout: the body from ${host} was not read within 60 s (4 attempts)`
  ],
  [
    timeout('overall', 2500),
    `GetObject ${bucket}/a.txt: overall timeout: not finished within 2.5 s (4 attempts)`
  ],
  [
    { _tag: 'Aborted', context, reason: new Error('the user left') },
    `GetObject ${bucket}/a.txt: aborted by signal`
  ],
  [
    { _tag: 'IntegrityError', context, part: O.none, check: 'crc64', expected: '17', got: '18' },
    `GetObject ${bucket}/a.txt: crc64 differs: expected 17, got 18 (1 attempt)`
  ],
  [
    { _tag: 'IntegrityError', context: transfer, part: O.some(3), check: 'size', expected: '10', got: '9' },
    `uploadFile ${bucket}/a.txt: size of part 3 differs: expected 10, got 9`
  ],
  [
    { _tag: 'ObjectChanged', context, expected: '"a1"', got: O.some('"b2"') },
    `GetObject ${bucket}/a.txt: the object was replaced or deleted meanwhile: ETag was "a1", is "b2"`
  ],
  [
    { _tag: 'ObjectChanged', context, expected: '"a1"', got: O.none },
    `GetObject ${bucket}/a.txt: the object was replaced or deleted meanwhile: ETag was "a1"`
  ],
  [
    { _tag: 'SourceError', context: transfer, cause: 'disk' },
    `uploadFile ${bucket}/a.txt: source stream: disk`
  ],
  [
    { _tag: 'SourceError', context: transfer, cause: { toString: null } },
    `uploadFile ${bucket}/a.txt: source stream: a thrown object`
  ],
  [
    {
      _tag: 'FileError',
      context: transfer,
      path: '/data/a',
      code: 'ENOSPC',
      cause: systemError('ENOSPC', 'ENOSPC: no space left on device, write')
    },
    `uploadFile ${bucket}/a.txt: ENOSPC: no space left on device: /data/a`
  ],
  [
    { _tag: 'CredentialsError', context: { ...context, attempts: 0 }, problem: 'STS responded with 500' },
    `GetObject ${bucket}/a.txt: no credentials: STS responded with 500`
  ],
  [
    {
      _tag: 'MissingPackage',
      context,
      name: 'csv-parse',
      purpose: 'read rows of CSV',
      cause: systemError('ERR_MODULE_NOT_FOUND', '')
    },
    `GetObject ${bucket}/a.txt: package csv-parse is not installed; it is needed to read rows of CSV: npm install csv-parse`
  ],
  [
    {
      _tag: 'EncryptionError',
      context,
      reason: 'NotEncrypted',
      problem: 'the object has no encryption metadata',
      segment: O.none,
      keyId: O.none
    },
    `GetObject ${bucket}/a.txt: encryption: NotEncrypted: the object has no encryption metadata`
  ],
  [
    {
      _tag: 'EncryptionError',
      context,
      reason: 'BadSegment',
      problem: 'the ciphertext was changed',
      segment: O.some(3),
      keyId: O.some('2026')
    },
    `GetObject ${bucket}/a.txt: encryption: BadSegment: the ciphertext was changed (segment 3) (key "2026")`
  ]
]

t.test('an InvalidInput of a real call names the field, the rule and the received value', async (t) => {
  for (const [error, line] of await invalidInputs(t)) {
    t.equal(error._tag, 'InvalidInput')
    t.equal(formatError(error), line)
  }
  const problems = (await invalidInputs(t)).map(([error]) => ('problem' in error ? error.problem : ''))
  t.same(new Set(problems), new Set(['missing', 'unknown', 'invalid', 'conflict']))
})

t.test('an error of any other tag has a line with the call, the object and the cause', async (t) => {
  for (const [error, line] of otherErrors) t.equal(formatError(error), line)
})

t.test('errors of real calls have the same form', async (t) => {
  const address = await closedAddress()
  const refused = await send(headObject(at))(clientOf(t, address)({ retry: { attempts: 1 } }))()
  t.equal(
    formatError(left(refused)),
    `HeadObject ${bucket}/a.txt: connection failed: ECONNREFUSED ${address} (1 attempt)`
  )
  t.equal(
    formatError(await failureOf(t, uploadStream({ ...at, length: 10 })(bytes('abc')))),
    `uploadStream ${bucket}/a.txt: source stream: ended after 3 bytes, expected 10 (length)`
  )
  const missing = `${t.testdir()}/missing`
  t.equal(
    formatError(await failureOf(t, uploadFile({ ...at, file: missing }))),
    `uploadFile ${bucket}/a.txt: ENOENT: no such file or directory: ${missing}`
  )
  const { client } = await startServer(t, (_received, response) => response.writeHead(404).end())
  t.equal(
    formatError(left(await send(headObject(at))(client())())),
    `HeadObject ${bucket}/a.txt: 404 NoSuchResource (HEAD has no error body)`
  )
  const anonymous = createUnconnected(t, { credentials: 'anonymous' })
  t.equal(
    formatError(left(await presign(getObject(at), 60)(anonymous)())),
    `GetObject ${bucket}/a.txt: no credentials: an anonymous client cannot sign a URL`
  )
})

t.test('no message says "should be", and a CosException has the same message', async (t) => {
  for (const [error, line] of [...(await invalidInputs(t)), ...otherErrors]) {
    t.notMatch(line, /should be/i)
    t.equal(new CosException(error).message, formatError(error))
  }
})

t.test('line breaks and control characters in a key or a message are replaced by a space', async (t) => {
  const breaks = ['\n', '\r\n', '\u0085', '\u2028', '\u2029', '\v\f', '\0', '\x1b']
  for (const each of breaks) {
    const forged = `a${each}GetObject forged`
    const named = { ...context, key: O.some(forged) }
    const errors: ReadonlyArray<CosError> = [
      left(headObject({ bucket, key: forged, ifMatch: 5 } as never).request),
      left(headObject({ ...at, [forged]: 5 }).request),
      { ...service, context: named, message: forged, code: forged, requestId: forged },
      { _tag: 'SourceError', context, cause: new Error(forged) },
      { _tag: 'FileError', context, path: forged, code: '', cause: forged },
      { _tag: 'CredentialsError', context, problem: forged },
      { _tag: 'DecodeError', context, status: 200, problems: [forged], requestId: '' },
      { _tag: 'TransportError', context, host, code: '', cause: forged }
    ]
    for (const error of errors) {
      const line = formatError(error)
      // eslint-disable-next-line no-control-regex
      t.notMatch(line, /[\0-\x1f\x7f-\x9f\u2028\u2029]/)
      t.match(line, /a GetObject forged/)
      t.equal(new CosException(error).message, line)
    }
  }
})

t.test('no secret appears in the message, the stack or the inspected form of an error', async (t) => {
  const secretKey = 'TopSecretKeyExample0000000000000001'
  const sessionToken = 'TopSecretTokenExample00000000000002'
  const customerKey = Buffer.from('TopSecretCustomerKeyExample00003')
  const secrets = [
    'TopSecret',
    customerKey.toString('base64'),
    customerKey.toString('hex'),
    customerKey.toString('hex').replace(/..(?=.)/g, '$& '),
    'q-signature'
  ]
  const given = { secretId: 'AKIDexample', secretKey, sessionToken }
  const address = await closedAddress()
  const sse = { type: 'C', key: customerKey } as const
  const encrypted = putObject({ ...put, sse })
  const config = { credentials: given, retry: { attempts: 2, base: 1 } }
  const failures = async (...addresses: ReadonlyArray<string>): Promise<ReadonlyArray<CosError>> =>
    Promise.all(addresses.map(async (to) => left(await send(encrypted)(clientOf(t, to)(config))())))
  const denied = await startServer(t, ({ method }, response) =>
    response.writeHead(403).end(`<Error><Code>AccessDenied</Code><Message>${method}</Message></Error>`)
  )
  const cut = await startServer(t, (_received, response) => response.destroy())
  const errors: ReadonlyArray<CosError> = [
    ...(await failures(address, denied.address, cut.address)),
    configure({ region, credentials: secretKey }),
    configure({ region, secretKey }),
    configure({ region, credentials: { secretId: 'AKIDexample', secretkey: secretKey } }),
    configure({ region, credentials: { ...given, secretKey: [secretKey] } }),
    configure({ region, credentials: { ...given, secretKey: `${secretKey}\n` } }),
    configure({ region, credentials: { ...given, sessionToken: `${sessionToken}\n` } }),
    configure({ region, credentials: { ...given, expiresAt: sessionToken } }),
    configure({ region, domain: `https://user:${secretKey}@example.com`, credentials: given }),
    left(putObject({ ...put, sse: { type: 'C', key: `${customerKey.toString()}!` } } as never).request),
    left(putObject({ ...put, sse: { type: 'C', key: customerKey.subarray(1) } }).request),
    left(putObject({ ...put, sse: customerKey.toString() } as never).request),
    left(putObject({ ...put, sseCustomerKey: customerKey.toString() } as never).request),
    left(putObject({ ...put, authorization: `q-signature=${secretKey}` } as never).request),
    left(putObject({ ...put, headers: { authorization: `q-signature=${secretKey}` } }).request),
    left(headObject({ ...at, ifMatch: { authorization: secretKey } } as never).request)
  ]
  for (const error of errors) {
    const thrown = new CosException(error)
    const shown = [thrown.message, thrown.stack ?? '', inspect(thrown, { depth: 20, showHidden: true })]
    for (const secret of secrets)
      t.notOk(
        shown.some((text) => text.includes(secret)),
        thrown.message
      )
  }
  t.ok(E.isRight(encrypted.request))
})
