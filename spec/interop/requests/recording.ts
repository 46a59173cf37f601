/** What a client really sends: requests as they came over a socket, laid side by side. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as E from 'fp-ts/lib/Either.js'
import { xmlReader, type Element } from '../../../lib/core/xml.js'

export interface Recorded {
  readonly method: string
  readonly path: string
  /** In the order they came, decoded. */
  readonly query: ReadonlyArray<readonly [string, string]>
  /** Names in lower case, in the order they came. */
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body: Buffer
}

export interface Recorder {
  readonly address: string
  /** What has come since it was asked last. */
  readonly take: () => ReadonlyArray<Recorded>
}

interface Teardown {
  readonly teardown: (clean: () => unknown) => unknown
}

const pairs = (search: string): ReadonlyArray<readonly [string, string]> =>
  search.split('&').flatMap((pair) => {
    if (pair === '') return []
    const [name = '', value = ''] = pair.split('=')
    return [[decodeURIComponent(name), decodeURIComponent(value)] as const]
  })

/** Takes anything down, and answers in words that mean little to anyone. */
export const recording = async (t: Teardown): Promise<Recorder> => {
  let seen: Array<Recorded> = []
  const server = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const [path = '', search = ''] = (request.url ?? '').split('?')
      const raw = request.rawHeaders
      const headers = raw.flatMap((name, at) =>
        at % 2 === 0 ? [[name.toLowerCase(), raw[at + 1] ?? ''] as const] : []
      )
      seen.push({
        method: request.method ?? '',
        path,
        query: pairs(search),
        headers,
        body: Buffer.concat(chunks)
      })
      response.writeHead(200, { etag: '"0"', 'x-cos-request-id': 'r', 'content-length': '0' })
      response.end()
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    address: `127.0.0.1:${String(port)}`,
    take: () => {
      const taken = seen
      seen = []
      return taken
    }
  }
}

// -- beside one another --
const volatile = new Set(['authorization', 'date', 'user-agent', 'connection', 'keep-alive'])

const subresources = new Set(['versions', 'delete', 'restore', 'select', 'uploads'])
const ofTheBody = 'that of the body'

/** What only tells of the body is right or it is not; the port is the loopback's, and what is left is COS's own name. */
const valueOf = (name: string, value: string, body: Buffer): string => {
  const told: Readonly<Record<string, string>> = {
    'content-length': String(body.length),
    'content-md5': createHash('md5').update(body).digest('base64')
  }
  if (told[name] === value) return ofTheBody
  return name === 'host' ? value.replace(/:\d+$/, '') : value
}

type Tree = readonly [string, string | ReadonlyArray<Tree>]

/** COS does not look at the order of fields; that of elements of one name stays. */
const treeOf = ({ name, text, children }: Element): Tree => [
  name,
  children.length === 0 ? text : children.map(treeOf).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
]

const xmlOf = (body: Buffer): string | undefined => {
  const reader = xmlReader()
  const read = [reader.step(body), reader.finish()]
  if (read.some(E.isLeft)) return undefined
  const events = read.flatMap((one) => (E.isRight(one) ? one.right : []))
  const rows = events.flatMap((event) => (event._tag === 'Row' ? [treeOf(event.row)] : []))
  const roots = events.flatMap((event) => (event._tag === 'Root' ? [event.name] : []))
  return JSON.stringify([roots, rows.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))])
}

/** A request as facts by name, to be compared one by one. */
const facts = ({ method, path, query, headers, body }: Recorded): ReadonlyMap<string, string> =>
  new Map([
    ['method', method],
    ['path', path],
    ['first parameter', subresources.has(query[0]?.[0] ?? '') ? (query[0]?.[0] ?? '') : ''],
    ...query.map(([name, value]) => [`query ${name}`, value] as const),
    ...headers.flatMap(([name, value]) =>
      volatile.has(name) ? [] : [[`header ${name}`, valueOf(name, value, body)] as const]
    ),
    ['body', xmlOf(body) ?? body.toString('latin1')]
  ])

export interface Difference {
  readonly fact: string
  /** Undefined where it was not sent. */
  readonly ours: string | undefined
  readonly theirs: string | undefined
}

/** What two requests for one thing do not have in common. */
export const differences = (ours: Recorded, theirs: Recorded): ReadonlyArray<Difference> => {
  const [a, b] = [facts(ours), facts(theirs)]
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((fact) => a.get(fact) !== b.get(fact))
    .map((fact) => ({ fact, ours: a.get(fact), theirs: b.get(fact) }))
}
