/** A server that sends scripted bytes, and counts its connections. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export type Step =
  | { readonly _tag: 'Say'; readonly bytes: Buffer }
  | { readonly _tag: 'Wait'; readonly milliseconds: number }
  /** `close`: FIN. `reset`: the connection is reset. `stay`: it stays open without further bytes. */
  | { readonly _tag: 'End'; readonly how: 'close' | 'reset' | 'stay' }

export interface ReceivedHead {
  readonly method: string
  readonly target: string
  readonly host: string
  /** The whole head, as received. */
  readonly head: string
}

export interface Script {
  /** Whether it responds as soon as the head is received. */
  readonly early: boolean
  /** Whether it sends 100 Continue to a request with Expect; otherwise it responds at once. */
  readonly continues: boolean
  readonly steps: (requested: ReceivedHead) => ReadonlyArray<Step>
}

export interface RawServer {
  readonly address: string
  /** Scripts by the first label of the Host header. */
  readonly scripts: Map<string, Script>
  /** The number of open connections. */
  readonly open: () => number
  readonly close: () => void
}

/** The end of the first request in the bytes; undefined until it is complete. */
const requestEnd = (bytes: Buffer, head: string, headSize: number): number | undefined => {
  if (/^transfer-encoding: *chunked/im.test(head)) {
    const at = bytes.indexOf('0\r\n\r\n', headSize)
    return at < 0 ? undefined : at + 5
  }
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
  return bytes.length >= headSize + length ? headSize + length : undefined
}

const runSteps = async (socket: Socket, steps: ReadonlyArray<Step>): Promise<boolean> => {
  for (const step of steps) {
    if (socket.destroyed) return false
    if (step._tag === 'Say') socket.write(step.bytes)
    else if (step._tag === 'Wait') await sleep(step.milliseconds)
    else {
      if (step.how === 'close') socket.end()
      if (step.how === 'reset') socket.resetAndDestroy()
      return false
    }
  }
  return true
}

const serveScripts = (scripts: ReadonlyMap<string, Script>, socket: Socket): void => {
  let heard = Buffer.alloc(0)
  let busy = false
  let continued = false
  const look = async (): Promise<void> => {
    const headSize = heard.indexOf('\r\n\r\n') + 4
    if (busy || headSize < 4) return
    const head = heard.subarray(0, headSize).toString('latin1')
    const [method = '', target = ''] = head.split(' ', 2)
    const host = /^host: *(.*)$/im.exec(head)?.[1]?.trim() ?? ''
    const script = scripts.get(host.split('.', 1)[0] ?? '')
    const expects = /^expect: *100-continue/im.test(head)
    const end = requestEnd(heard, head, headSize)
    if (script === undefined) return
    if (expects && script.continues && !continued) {
      continued = true
      socket.write('HTTP/1.1 100 Continue\r\n\r\n')
    }
    if (end === undefined && !script.early && !(expects && !script.continues)) return
    busy = true
    const going = await runSteps(socket, script.steps({ method, target, host, head }))
    // A rest of the request that arrives later would be read as the next request.
    const whole = requestEnd(heard, head, headSize)
    if (!going || whole === undefined) return
    heard = heard.subarray(whole)
    busy = false
    continued = false
    await look()
  }
  socket.setNoDelay(true)
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => {
    heard = Buffer.concat([heard, chunk])
    void look()
  })
}

export const startRawServer = async (): Promise<RawServer> => {
  const scripts = new Map<string, Script>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    serveScripts(scripts, socket)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    address: `127.0.0.1:${String(port)}`,
    scripts,
    open: () => sockets.size,
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    }
  }
}
