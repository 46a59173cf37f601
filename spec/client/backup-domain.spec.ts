import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { Agent, type Dispatcher } from 'undici'
import { canSwitch, endpointOfAttempt } from '../../lib/client/backup-domain.js'
import { createClient, type Client, type ClientConfig } from '../../lib/client/client.js'
import { withRetry } from '../../lib/client/combinators.js'
import { send } from '../../lib/client/send.js'
import { headObject } from '../../lib/operations/head-object.js'
import { putObject } from '../../lib/operations/put-object.js'
import { bucket, startCos } from '../support/cos.js'
import { serviceError, transportError } from '../support/layers.js'
import { listen } from '../support/listen.js'
import { left, right } from '../support/server.js'

const primary = `${bucket}.cos.ap-guangzhou.myqcloud.com`
const backup = `${bucket}.cos.ap-guangzhou.tencentcos.cn`

/** Sends each request to the server of its domain. The requests keep the host that is signed. */
const byDomain = (t: Test, addresses: { readonly primary: string; readonly backup: string }) => {
  const agent = new Agent()
  t.teardown(() => agent.destroy())
  const hosts: Array<string> = []
  const dispatch: Dispatcher['dispatch'] = (options, handler) => {
    const { host = '' } = options.headers as Record<string, string>
    hosts.push(host)
    const address = host.endsWith('.tencentcos.cn') ? addresses.backup : addresses.primary
    return agent.dispatch({ ...options, origin: `http://${address}` }, handler)
  }
  const dispatcher = { dispatch, request: () => Promise.reject(new Error('unused')) } as unknown as Dispatcher
  return { dispatcher, hosts }
}

type Respond = (request: IncomingMessage, response: ServerResponse) => void

const startServer = async (t: Test, respond: Respond): Promise<string> =>
  (await listen(t, createServer(respond))).address

/** A client whose primary domain is a server of the spec, and whose backup domain is an emulator. */
const start = async (
  t: Test,
  respond: Respond,
  config: Partial<ClientConfig> = {}
): Promise<{ readonly client: Client; readonly hosts: ReadonlyArray<string> }> => {
  const cos = await startCos(t)
  const { dispatcher, hosts } = byDomain(t, {
    primary: await startServer(t, respond),
    backup: cos.emulator.address
  })
  const client = right(
    createClient({
      region: 'ap-guangzhou',
      scheme: 'http',
      credentials: cos.emulator.credentials,
      dispatcher,
      retry: { base: 1 },
      ...config
    })
  )
  return { client, hosts }
}

const object = { bucket, key: 'a.txt' }
const hangUp = (request: IncomingMessage): void => void request.socket.destroy()

t.test(
  'the last attempt of a call without a response of COS goes to the backup domain, signed for it',
  async (t) => {
    const { client, hosts } = await start(t, hangUp)
    right(await send(putObject({ ...object, body: 'text' }))(client)())
    t.same(hosts, [primary, primary, primary, backup])
    right(await send(headObject(object))(client)())
    t.equal(hosts[4], primary, 'the next call starts with the primary domain')
  }
)

t.test('a redirect that COS did not send switches at once, and is not followed', async (t) => {
  const { client, hosts } = await start(t, (_, response) => {
    response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()
  })
  right(await send(putObject({ ...object, body: 'text' }))(client)())
  t.same(hosts, [primary, backup])
})

t.test('a redirect or an error of COS itself is not a reason to switch', async (t) => {
  for (const status of [302, 503]) {
    const { client, hosts } = await start(t, (_, response) => {
      response.writeHead(status, { 'x-cos-request-id': 'NjYw' }).end()
    })
    t.match(left(await send(headObject(object))(client)()), { _tag: 'ServiceError', status })
    t.ok(hosts.every((host) => host === primary))
  }
})

t.test('backupDomain: false keeps all attempts on the primary domain', async (t) => {
  const { client, hosts } = await start(t, hangUp, { backupDomain: false })
  t.match(left(await send(headObject(object))(client)()), { _tag: 'TransportError' })
  t.same(hosts, [primary, primary, primary, primary])
})

t.test('only hosts of a bucket and a region have a backup', async (t) => {
  const after = [transportError('ECONNREFUSED')]
  const domainFor = (region: string, name = 'b-1') => endpointOfAttempt({ region }, name, 2, after).domain
  for (const region of ['ap-guangzhou', 'ap-shenzhen-fsi', 'ap-beijing-1'])
    t.equal(domainFor(region), `b-1.cos.${region}.tencentcos.cn`)
  t.equal(domainFor('ap-guangzhou', 'no-appid'), undefined)
  for (const endpoint of [
    { endpoint: 'cos.accelerate.myqcloud.com' },
    { endpoint: 'cos-internal.ap-guangzhou.tencentcos.cn' },
    { endpoint: 'cos.ap-guangzhou.myqcloud.com:8080' },
    { domain: 'files.example.com' }
  ])
    t.equal(endpointOfAttempt(endpoint, 'b-1', 2, after), endpoint)
  const redirect = serviceError(302, '')
  t.ok(canSwitch({ region: 'ap-guangzhou' }, 'b-1', [redirect]))
  t.notOk(canSwitch({ region: 'ap-guangzhou' }, 'b-1', [redirect, redirect]))
  t.notOk(canSwitch({ region: 'ap-guangzhou' }, 'b-1', [serviceError(308, '')]))
  t.notOk(canSwitch({ domain: 'files.example.com' }, 'b-1', [redirect]))
})

t.test('the error of a call has each of its requests: time, host, status or cause, request id', async (t) => {
  let requests = 0
  const { client } = await start(
    t,
    (request, response) => {
      requests += 1
      if (requests === 1) request.socket.destroy()
      else response.writeHead(503, { 'x-cos-request-id': `id-${String(requests)}` }).end()
    },
    { retry: { base: 1, attempts: 3 } }
  )
  const before = Date.now()
  const { history = [] } = left(await send(headObject(object))(client)()).context
  t.match(history, [
    { host: primary, status: 0, requestId: '', cause: /^(ECONNRESET|UND_ERR_SOCKET)$/ },
    { host: primary, status: 503, requestId: 'id-2', cause: '' },
    { host: primary, status: 503, requestId: 'id-3', cause: '' }
  ])
  t.ok(history.every(({ sentAt }) => sentAt.getTime() >= before && sentAt.getTime() <= Date.now()))
  const once = withRetry({ attempts: 1 })(send(headObject(object)))
  t.notOk('history' in left(await once(client)()).context, 'a call of one request has none')
})
