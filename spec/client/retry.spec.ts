import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import type { CosError } from '../../lib/core/error.js'
import { createClient } from '../../lib/client/client.js'
import { defaultRetry, isTransient, shouldRetry, retryDelay } from '../../lib/client/retry.js'
import { credentials, left } from '../support/server.js'

const context = { operation: 'Spec', bucket: '', key: O.none, attempts: 1 }
const service = (status: number, code: string, headers: Readonly<Record<string, string>> = {}): CosError => ({
  _tag: 'ServiceError',
  context,
  status,
  code,
  message: '',
  resource: '',
  requestId: '',
  traceId: '',
  headers
})

t.test('isTransient is true of errors that may pass, and false of the others', (t) => {
  const passing = [
    service(500, 'InternalError'),
    service(503, 'SlowDown'),
    service(504, 'Unknown'),
    service(520, ''),
    service(429, 'TooManyRequests'),
    service(400, 'RequestTimeout'),
    service(200, 'InternalError'),
    { _tag: 'TransportError', context, host: '', code: 'ECONNRESET', cause: undefined },
    { _tag: 'Timeout', context, host: '', phase: 'idle', after: 1 },
    { _tag: 'DecodeError', context, status: 200, problems: [], requestId: '' }
  ] as const
  const lasting = [
    service(501, 'NotImplemented'),
    service(404, 'NoSuchKey'),
    service(403, 'AccessDenied'),
    service(304, 'NotModified'),
    service(302, 'Found'),
    service(200, 'NoSuchUpload'),
    { _tag: 'Timeout', context, host: '', phase: 'overall', after: 1 },
    { _tag: 'Aborted', context, reason: undefined },
    { _tag: 'SourceError', context, cause: undefined }
  ] as const
  for (const error of passing) t.ok(isTransient(error), JSON.stringify(error))
  for (const error of lasting) t.notOk(isTransient(error), JSON.stringify(error))
  t.end()
})

t.test(
  'shouldRetry allows one retry of BadDigest and UserNetworkTooSlow, and the attempts of the policy for other errors',
  (t) => {
    const worth = (...failures: ReadonlyArray<CosError>) => shouldRetry(defaultRetry, failures)
    for (const code of ['BadDigest', 'UserNetworkTooSlow']) {
      const once = service(400, code)
      t.ok(worth(once))
      t.notOk(worth(once, once))
      t.notOk(worth(once, service(503, 'SlowDown'), once))
      t.ok(worth(service(503, 'SlowDown'), once))
    }
    const slow = service(503, 'SlowDown')
    t.same([worth(slow, slow, slow), worth(slow, slow, slow, slow)], [true, false])
    t.notOk(worth(service(404, 'NoSuchKey')))
    t.notOk(worth())
    t.notOk(shouldRetry({ ...defaultRetry, attempts: 1 }, [slow]))
    t.end()
  }
)

t.test('retryDelay is a random time below a limit that doubles up to the cap', (t) => {
  const error = service(503, 'SlowDown')
  const waits = (random: number) =>
    [1, 2, 3, 8, 30].map((attempt) =>
      retryDelay({ ...defaultRetry, random: () => random }, attempt, error, 0)
    )
  t.same(waits(0), [0, 0, 0, 0, 0])
  t.same(waits(0.5), [100, 200, 400, 10_000, 10_000])
  t.end()
})

t.test('retryDelay follows Retry-After in seconds or as a date', (t) => {
  const now = Date.parse('Wed, 01 May 2024 08:31:00 GMT')
  const after = (text: string) =>
    retryDelay({ ...defaultRetry, random: () => 0.5 }, 1, service(503, '', { 'retry-after': text }), now)
  t.equal(after('7'), 7000)
  for (const date of [
    'Wed, 01 May 2024 08:31:30 GMT',
    'Wednesday, 01-May-24 08:31:30 GMT',
    'Wed May  1 08:31:30 2024'
  ]) {
    t.equal(after(date), 30_000, date)
  }
  t.equal(after('Wed, 01 May 2024 08:30:00 GMT'), 0)
  t.equal(after('soon'), 100)
  t.end()
})

t.test('createClient refuses a retry policy that is out of range, and names the field', (t) => {
  const wrong: ReadonlyArray<readonly [string, object]> = [
    ['retry.attempts', { attempts: 0 }],
    ['retry.base', { base: -1 }],
    ['retry.times', { times: 3 }]
  ]
  for (const [field, retry] of wrong) {
    t.match(left(createClient({ region: 'ap-guangzhou', credentials, retry })), {
      _tag: 'InvalidInput',
      field
    })
  }
  t.end()
})
