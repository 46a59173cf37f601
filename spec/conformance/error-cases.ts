/** The error cases that the spec of each operation runs: COS's table, wrong signatures, and an error inside a 200. */
import t, { type Test } from 'tap'
import type { CosError } from '../../lib/core/error.js'
import type { Operation } from '../../lib/core/operation.js'
import { send } from '../../lib/client/send.js'
import type { Emulator, EmulatorOptions, Fault } from '../../lib/emulator/index.js'
import { startCos } from '../support/cos.js'
import { left, right } from '../support/server.js'
import { sampleOf } from '../support/long-form.js'
import { all, named, refusals as table, type Retry } from './error-table.js'

const attempts: Readonly<Record<Retry, number>> = { no: 1, once: 2, yes: 4 }

/** The context that an error must have, with the number of attempts. */
const contextOf = (operation: Operation<unknown>, attempts: number) => {
  const { bucket, key } = right(operation.request)
  return { operation: operation.action, bucket, key, attempts }
}

const isHead = (operation: Operation<unknown>): boolean => right(operation.request).method === 'HEAD'

/** Sends the operation; returns its error and the requests that were sent. */
const failingSender = (emulator: Emulator, client: Parameters<ReturnType<typeof send>>[0]) => {
  let before = emulator.requests().length
  return async (operation: Operation<unknown>) => {
    const error: CosError = left(await send(operation)(client)())
    const requests = emulator.requests().slice(before)
    before += requests.length
    return { error, requests }
  }
}

/** Each error of COS's table that the operation may receive: its fields, and the number of attempts that the table has. */
const returnsTableErrors = async (t: Test, operation: Operation<unknown>): Promise<void> => {
  let fault: Fault = {}
  const cos = await startCos(t, { fault: () => fault })
  const sent = failingSender(cos.emulator, cos.client({ retry: { base: 0 } }))
  const head = isHead(operation)
  const mine = table.filter(({ to }) => to.some((action) => action === operation.action))
  t.ok(mine.length > 25, 'the table knows the operation')
  // In the short form, a third of the rows; another third for each operation.
  const offset = all.findIndex((action) => action === operation.action)
  for (const { status, code, retry } of sampleOf(mine, 3, offset)) {
    const message = `sent for a spec: ${code} & <so on>`
    fault = { response: { status, ...(code === '' ? {} : { code, message }) } }
    const { error, requests } = await sent(operation)
    const bodiless = head || code === ''
    // A HEAD has only the status. A 400 may be transient or not, and is not retried.
    const tries = head && status < 500 && status !== 429 ? 1 : attempts[retry]
    const { bucket } = right(operation.request)
    t.match(
      error,
      {
        _tag: 'ServiceError',
        status,
        code: bodiless ? named[status] : code,
        message: bodiless ? '' : message,
        resource: bodiless ? '' : new RegExp(`^${bucket}\\.`),
        requestId: requests.at(-1)?.requestId,
        traceId: /./,
        headers: { server: 'tencent-cos' },
        context: contextOf(operation, tries)
      },
      `${String(status)} ${code}`
    )
    t.same(
      requests.map(({ headers }) => headers['x-cos-sdk-retry']),
      [undefined, 'true', 'true', 'true'].slice(0, tries),
      `${String(status)} ${code}: requested ${String(tries)} times`
    )
  }
}

/** A wrong, missing or expired signature is refused before anything else is checked. */
const rejectsInvalidSignatures = async (t: Test, operation: Operation<unknown>): Promise<void> => {
  const token = 'emulatorExampleToken'
  const temporary = { secretId: 'AKIDEmulatorExampleTemporary00000000', secretKey: 'temporaryExample', token }
  const own = { secretId: 'AKIDEmulatorExampleOwner000000000000', secretKey: 'ownerExample' }
  const cos = await startCos(t, { credentials: [own, { ...temporary, expires: Date.now() }] })
  const withToken = (sessionToken: string) => ({
    secretId: temporary.secretId,
    secretKey: temporary.secretKey,
    sessionToken
  })
  const strangers = [
    [403, 'SignatureDoesNotMatch', { ...own, secretKey: 'anotherKey' }],
    [403, 'InvalidAccessKeyId', { ...own, secretId: 'AKIDEmulatorExampleUnknown0000000000' }],
    [403, 'AccessDenied', withToken('another')],
    [400, 'ExpiredToken', withToken(token)],
    [403, 'AccessDenied', 'anonymous']
  ] as const
  for (const [status, code, credentials] of strangers) {
    const sent = failingSender(cos.emulator, cos.client({ credentials }))
    const { error, requests } = await sent(operation)
    t.match(
      error,
      {
        _tag: 'ServiceError',
        status,
        code: isHead(operation) ? named[status] : code,
        requestId: requests.at(-1)?.requestId,
        context: contextOf(operation, 1)
      },
      code
    )
    t.same([requests.length, requests[0]?.code], [1, code])
  }
}

/**
 * A clock that is off by an hour is set by COS's, and the request is sent again; its result is not compared. A correct clock is
 * not changed, and an expired signature is then an error.
 */
const correctsClockSkew = async (t: Test, operation: Operation<unknown>): Promise<void> => {
  const expired = { status: 403, code: 'AccessDenied', message: 'Request has expired' }
  const fault: EmulatorOptions['fault'] = ({ count }) => (count === 1 ? { response: expired } : undefined)
  const hour = () => Date.now() + 3_600_000
  for (const [options, code] of [
    [{ now: hour }, 'RequestTimeTooSkewed'],
    [{ now: hour, fault }, 'AccessDenied']
  ] as const) {
    const cos = await startCos(t, options)
    await send(operation)(cos.client())()
    const [first, second, third] = cos.emulator.requests()
    t.match(first, { status: 403, code })
    t.match(second, { headers: { 'x-cos-sdk-retry': 'true' } })
    t.same([second?.code === 'RequestTimeTooSkewed', third], [false, undefined])
  }
  const honest = await startCos(t, { fault })
  const { message } = isHead(operation) ? { message: '' } : expired
  t.match(left(await send(operation)(honest.client())()), { status: 403, code: 'AccessDenied', message })
  t.equal(honest.emulator.requests().length, 1)
}

/** A response with status 200 whose body is an error: COS sends the status before the outcome is known. */
export const failedInside200 = async (
  t: Test,
  operation: Operation<unknown>,
  root: string
): Promise<void> => {
  let fault: Fault = {}
  const cos = await startCos(t, { fault: () => fault })
  const sent = failingSender(cos.emulator, cos.client({ retry: { base: 0 } }))
  const about = (tries: number) => ({ context: contextOf(operation, tries) })

  for (const [code, tries] of [
    ['InternalError', 4],
    ['SlowDown', 4],
    ['ServiceUnavailable', 4],
    ['AccessDenied', 1],
    ['NoSuchKey', 1]
  ] as const) {
    const body = `<?xml version='1.0' encoding='utf-8' ?><Error><Code>${code}</Code><Message>late</Message></Error>`
    // A slow response: white space, and then the XML declaration.
    fault = { response: { status: 200, body }, keepAlive: { bytes: 5 } }
    const { error, requests } = await sent(operation)
    const requestId = requests.at(-1)?.requestId
    const wanted = { _tag: 'ServiceError', status: 200, code, message: 'late', requestId, ...about(tries) }
    t.match(error, wanted, code)
    t.same(requests.length, tries)
  }

  const cuts: ReadonlyArray<readonly [what: string, fault: Fault, error: object]> = [
    ['nothing', { response: { status: 200 } }, { _tag: 'TransportError', code: 'EmptyResponse' }],
    [
      'white space',
      { response: { status: 200, body: ' \r\n ' } },
      { _tag: 'TransportError', code: 'EmptyResponse' }
    ],
    [
      'white space, and the connection broken',
      { response: { status: 200, body: ' '.repeat(9) }, cut: { at: 'body', after: 4 } },
      { _tag: 'TransportError' }
    ],
    [
      'half a document',
      { response: { status: 200, body: `<${root}><ETag>"a"</ETag>` } },
      { _tag: 'TransportError', code: 'IncompleteResponse' }
    ],
    [
      'half a document, and the connection broken',
      {
        response: { status: 200, body: `<${root}><ETag>"a"</ETag></${root}>` },
        cut: { at: 'body', after: 20 }
      },
      { _tag: 'TransportError' }
    ],
    [
      'no ETag',
      { response: { status: 200, body: `<${root}></${root}>` } },
      { _tag: 'DecodeError', status: 200 }
    ],
    [
      'another document',
      { response: { status: 200, body: '<html><ETag>"a"</ETag></html>' } },
      { _tag: 'DecodeError', status: 200 }
    ]
  ]
  for (const [what, wrong, wanted] of cuts) {
    fault = wrong
    const { error, requests } = await sent(operation)
    t.match(error, { ...wanted, ...about(4) }, what)
    t.same(requests.length, 4, what)
  }
}

/** Invalid input is an `InvalidInput` that names the field, and is not sent. */
export const expectInvalidInput = async (
  t: Test,
  cases: ReadonlyArray<readonly [field: string, operation: Operation<unknown>]>
): Promise<void> => {
  const cos = await startCos(t)
  const client = cos.client()
  for (const [field, operation] of cases) {
    const error = left(await send(operation)(client)())
    t.match(
      error,
      { _tag: 'InvalidInput', field, context: { operation: operation.action, attempts: 0 } },
      field
    )
  }
  t.same(cos.operations(), [])
}

/** The cases of every listing of a bucket. */
export const cutPageIsRetried = (listing: Operation<unknown>): void => {
  t.test('a cut page is retried, and never returned as a whole page', async (t) => {
    const { emulator, client } = await startCos(t, { fault: () => ({ shorten: 200 }) })
    const { error } = await failingSender(emulator, client({ retry: { base: 1 } }))(listing)
    t.match(error, { _tag: 'TransportError', code: 'IncompleteResponse', context: contextOf(listing, 4) })
  })
}

/** The cases of every operation, at the end of its spec. */
export const refusals = (operation: Operation<unknown>): void => {
  t.test('each error of COS’s table is returned with its fields, and retried as the table says', (t) =>
    returnsTableErrors(t, operation)
  )
  t.test('an invalid signature or token fails without a retry', (t) => rejectsInvalidSignatures(t, operation))
  t.test('a clock skew of an hour is corrected, and the request retried', (t) =>
    correctsClockSkew(t, operation)
  )
}
