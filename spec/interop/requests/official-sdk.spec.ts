/**
 * Compares the requests of cospipe with those of Tencent's Node SDK, for every operation, with required parameters and
 * with all that the SDK has. Both are recorded from a socket. Each difference is listed here with its reason. Date,
 * signature and user agent are not compared.
 */
import t from 'tap'
import { send } from '../../../lib/client/send.js'
import { clientOf, credentials } from '../../support/server.js'
import { createSdk } from '../create-sdk.js'
import { calls } from './calls.js'
import { differences, startRecorder, type Recorded } from './recording.js'

interface Allowed {
  /** Names of calls. */
  readonly of: RegExp
  readonly fact: string
  readonly ours: string | undefined
  readonly theirs: string | undefined
  readonly reason: string
}

const allowed: ReadonlyArray<Allowed> = [
  {
    of: /^List\w+$/,
    fact: 'query encoding-type',
    ours: 'url',
    theirs: undefined,
    reason: 'without it, a key that XML cannot represent makes its page invalid; cospipe decodes it'
  },
  {
    of: /^List(?!Parts)\w+$/,
    fact: 'query prefix',
    ours: undefined,
    theirs: '',
    reason: 'an empty prefix means the same as no prefix'
  },
  {
    of: /^(?:PutObject|CopyObject|CreateMultipartUpload)$/,
    fact: 'header cache-control',
    ours: undefined,
    theirs: '',
    reason: 'a header that is not specified is not sent: an empty value could be stored'
  },
  {
    of: /^CreateMultipartUpload$/,
    fact: 'header content-type',
    ours: undefined,
    theirs: '',
    reason: 'a header that is not specified is not sent: COS then chooses the type'
  },
  {
    of: /^(?:Get|Head)Object/,
    fact: 'header accept-encoding',
    ours: 'identity',
    theirs: undefined,
    reason: 'compressed bytes have neither the length nor the checksum that COS reports'
  },
  {
    of: /^(?:HeadObject|DeleteObject|AbortMultipartUpload)(?:, all)?$/,
    fact: 'header content-length',
    ours: undefined,
    theirs: 'that of the body',
    reason: 'RFC 9110 8.6: no Content-Length if the method does not anticipate a body and there is none'
  }
]

const only = (name: string, requests: ReadonlyArray<Recorded>): Recorded => {
  const [one] = requests
  if (one === undefined || requests.length > 1)
    throw new Error(`${name}: ${String(requests.length)} requests`)
  return one
}

t.test('each operation sends the request of the official SDK, except for listed differences', async (t) => {
  const recorder = await startRecorder(t)
  const client = clientOf(t, recorder.address)({ retry: { attempts: 1 } })
  const sdk = createSdk(credentials, { Ip: recorder.address })
  const used = new Set<Allowed>()
  for (const { name, ours, theirs } of calls) {
    await send(ours)(client)()
    const mine = only(`our ${name}`, recorder.take())
    // The SDK's handling of the response is not tested here.
    await Promise.resolve(theirs(sdk)).catch(() => undefined)
    const other = only(`the SDK's ${name}`, recorder.take())
    const unreasoned = differences(mine, other).filter(({ fact, ours, theirs }) => {
      const reason = allowed.find(
        (one) => one.of.test(name) && one.fact === fact && one.ours === ours && one.theirs === theirs
      )
      if (reason !== undefined) used.add(reason)
      return reason === undefined
    })
    t.same(unreasoned, [], name)
  }
  t.same(
    allowed.filter((one) => !used.has(one)),
    [],
    'and every reason is needed'
  )
})

t.test('all seventeen operations are compared', async (t) => {
  const names = new Set(calls.map(({ name }) => name.replace(', all', '')))
  t.equal(names.size, 17)
  const once = [...names].filter((name) => !calls.some((call) => call.name === `${name}, all`))
  t.same(once, ['AbortMultipartUpload'])
})
