/** Records requests from a socket, and compares them. */
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import * as E from 'fp-ts/lib/Either.js'
import type { Element } from '../../../lib/core/element.js'
import { xmlReader } from '../../../lib/core/xml.js'
import { listen } from '../../support/listen.js'

export interface Recorded {
  readonly method: string
  readonly path: string
  /** Decoded, in the order received. */
  readonly query: ReadonlyArray<readonly [string, string]>
  /** Names in lower case, in the order received. */
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body: Buffer
}

export interface Recorder {
  readonly address: string
  /** Returns the requests since the last call. */
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

/** Starts a server that records every request and responds with a fixed success. */
export const startRecorder = async (t: Teardown): Promise<Recorder> => {
  let recorded: Array<Recorded> = []
  const server = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const [path = '', search = ''] = (request.url ?? '').split('?')
      const raw = request.rawHeaders
      const headers = raw.flatMap((name, at) =>
        at % 2 === 0 ? [[name.toLowerCase(), raw[at + 1] ?? ''] as const] : []
      )
      recorded.push({
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
  const { address } = await listen(t, server)
  return {
    address,
    take: () => {
      const taken = recorded
      recorded = []
      return taken
    }
  }
}

// -- comparison --
const volatile = new Set(['authorization', 'date', 'user-agent', 'connection', 'keep-alive'])

const subresources = new Set(['versions', 'delete', 'restore', 'select', 'uploads'])
const bodyHeader = 'that of the body'

/** Headers computed from the body become a constant if they are correct; Host loses the loopback's port. */
const valueOf = (name: string, value: string, body: Buffer): string => {
  const expected: Readonly<Record<string, string>> = {
    'content-length': String(body.length),
    'content-md5': createHash('md5').update(body).digest('base64')
  }
  if (expected[name] === value) return bodyHeader
  return name === 'host' ? value.replace(/:\d+$/, '') : value
}

type Tree = readonly [string, string | ReadonlyArray<Tree>]

/** Sorted by name, because COS ignores the order of fields; elements of the same name keep their order. */
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

/** A request as named facts, which are compared one by one. */
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
  /** Undefined if it was not sent. */
  readonly ours: string | undefined
  readonly theirs: string | undefined
}

/** The differences between two requests. */
export const differences = (ours: Recorded, theirs: Recorded): ReadonlyArray<Difference> => {
  const [a, b] = [facts(ours), facts(theirs)]
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((fact) => a.get(fact) !== b.get(fact))
    .map((fact) => ({ fact, ours: a.get(fact), theirs: b.get(fact) }))
}
