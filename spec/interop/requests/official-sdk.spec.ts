/**
 * What we send, beside what Tencent's own Node SDK sends for the same call: every operation, with what must be said and
 * with all that the SDK has a parameter for. Both are recorded from a socket. Where they differ it is on purpose, and the
 * purpose is here; the date, the signature and the client's name are left out.
 */
import COS from 'cos-nodejs-sdk-v5'
import t from 'tap'
import { send } from '../../../lib/client/send.js'
import { clientOf, credentials } from '../../support/server.js'
import { calls } from './calls.js'
import { differences, recording, type Recorded } from './recording.js'

interface Allowed {
  /** Names of calls. */
  readonly of: RegExp
  readonly fact: string
  readonly ours: string | undefined
  readonly theirs: string | undefined
  readonly why: string
}

const allowed: ReadonlyArray<Allowed> = [
  {
    of: /^List\w+$/,
    fact: 'query encoding-type',
    ours: 'url',
    theirs: undefined,
    why: 'without it a key that XML can not spell spoils its page; we undo it, so it is always asked for'
  },
  {
    of: /^List(?!Parts)\w+$/,
    fact: 'query prefix',
    ours: undefined,
    theirs: '',
    why: 'an empty prefix asks for what no prefix asks for, and need not be signed'
  },
  {
    of: /^(?:PutObject|CopyObject|CreateMultipartUpload)$/,
    fact: 'header cache-control',
    ours: undefined,
    theirs: '',
    why: 'what the caller did not say is not sent: an empty value could be stored as one'
  },
  {
    of: /^CreateMultipartUpload$/,
    fact: 'header content-type',
    ours: undefined,
    theirs: '',
    why: 'what the caller did not say is not sent: COS then picks a type of its own'
  },
  {
    of: /^(?:Get|Head)Object/,
    fact: 'header accept-encoding',
    ours: 'identity',
    theirs: undefined,
    why: 'bytes compressed on the way have neither the length nor the checksum that COS names'
  },
  {
    of: /^(?:HeadObject|DeleteObject|AbortMultipartUpload)(?:, all)?$/,
    fact: 'header content-length',
    ours: undefined,
    theirs: 'that of the body',
    why: 'RFC 9110 8.6: a request whose method has no use for a body and has none says no length'
  }
]

const only = (name: string, requests: ReadonlyArray<Recorded>): Recorded => {
  const [one] = requests
  if (one === undefined || requests.length > 1)
    throw new Error(`${name}: ${String(requests.length)} requests`)
  return one
}

t.test('each operation sends the request of the official SDK, except for listed differences', async (t) => {
  const recorder = await recording(t)
  const client = clientOf(t, recorder.address)({ retry: { attempts: 1 } })
  const sdk = new COS({
    SecretId: credentials.secretId,
    SecretKey: credentials.secretKey,
    Protocol: 'http:',
    Ip: recorder.address,
    ConfCwd: t.testdir()
  })
  const used = new Set<Allowed>()
  for (const { name, ours, theirs } of calls) {
    await send(ours)(client)()
    const mine = only(`our ${name}`, recorder.take())
    // What it makes of the answer is another spec's to say.
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
