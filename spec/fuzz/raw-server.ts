/** A server that says what it is told to, byte by byte, and a record of who is connected. */
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export type Step =
  | { readonly _tag: 'Say'; readonly bytes: Buffer }
  | { readonly _tag: 'Wait'; readonly milliseconds: number }
  /** `close`: no more will come. `reset`: the connection breaks. `stay`: it is kept, and nothing more is said. */
  | { readonly _tag: 'End'; readonly how: 'close' | 'reset' | 'stay' }

export interface Asked {
  readonly method: string
  readonly target: string
  readonly host: string
  /** The whole head, as it came. */
  readonly head: string
}

export interface Script {
  /** Whether it answers as soon as the head has come, whatever is still on its way. */
  readonly early: boolean
  /** Whether it lets a body come that asks before it does; otherwise it answers at once. */
  readonly continues: boolean
  readonly steps: (asked: Asked) => ReadonlyArray<Step>
}

export interface Wire {
  readonly address: string
  /** Scripts by the first label of the host that was asked for. */
  readonly scripts: Map<string, Script>
  /** Connections that are open now. */
  readonly open: () => number
  readonly close: () => void
}

/** Where the first request in the bytes ends; none before all of it has come. */
const endOf = (bytes: Buffer, head: string, headSize: number): number | undefined => {
  if (/^transfer-encoding: *chunked/im.test(head)) {
    const at = bytes.indexOf('0\r\n\r\n', headSize)
    return at < 0 ? undefined : at + 5
  }
  const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
  return bytes.length >= headSize + length ? headSize + length : undefined
}

const perform = async (socket: Socket, steps: ReadonlyArray<Step>): Promise<boolean> => {
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

const attending = (scripts: ReadonlyMap<string, Script>, socket: Socket): void => {
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
    const end = endOf(heard, head, headSize)
    if (script === undefined) return
    if (expects && script.continues && !continued) {
      continued = true
      socket.write('HTTP/1.1 100 Continue\r\n\r\n')
    }
    if (end === undefined && !script.early && !(expects && !script.continues)) return
    busy = true
    const going = await perform(socket, script.steps({ method, target, host, head }))
    // What has not come of the request by now would be taken for the next one.
    const whole = endOf(heard, head, headSize)
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

export const openWire = async (): Promise<Wire> => {
  const scripts = new Map<string, Script>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    attending(scripts, socket)
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
