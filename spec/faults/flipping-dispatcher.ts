/** A dispatcher between a client and its connections that inverts one bit of one object on its way. */
import type { Readable } from 'node:stream'
import { Agent, type Dispatcher } from 'undici'

/** The bit to invert: in the first request whose object's bytes reach it, counted over all of them. */
export interface Flip {
  readonly direction: 'up' | 'down'
  /** A byte of all bytes of objects in this direction, in the order in which they pass. */
  readonly byte: number
  /** 0 to 7. */
  readonly bit: number
}

export interface FlippingDispatcher {
  readonly dispatcher: Dispatcher
  /** Sets the next flip. */
  readonly arm: (flip: Flip) => void
  /** Whether the last flip was made. */
  readonly isDone: () => boolean
}

const isAsyncIterable = (body: unknown): body is AsyncIterable<Uint8Array> =>
  typeof body === 'object' && body !== null && Symbol.asyncIterator in body

// Bodies of XML, such as a completion, are no object's bytes. COS sends no checksum of them.
const carriesObjectUp = ({ method, path }: Dispatcher.DispatchOptions): boolean =>
  method === 'PUT' && !/[?&](?:acl|tagging)/.test(path)
const carriesObjectDown = ({ method, path }: Dispatcher.DispatchOptions): boolean =>
  method === 'GET' && !/[?&](?:prefix|uploads|uploadId|tagging|acl|versions)/.test(path)

export const createFlippingDispatcher = (): FlippingDispatcher => {
  const agent = new Agent({ pipelining: 1 })
  let flip: Flip | undefined
  let passed = 0
  const change = (direction: Flip['direction'], chunk: Uint8Array): Uint8Array => {
    if (flip?.direction !== direction) return chunk
    const place = flip.byte - passed
    passed += chunk.length
    if (place < 0 || place >= chunk.length) return chunk
    // A copy: the chunk is the caller's memory.
    const copy = Buffer.from(chunk)
    copy[place] = copy.readUInt8(place) ^ (1 << flip.bit)
    flip = undefined
    return copy
  }
  async function* changeUp(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of body) yield change('up', chunk)
  }
  const withBody = (options: Dispatcher.DispatchOptions): Dispatcher.DispatchOptions => {
    const { body } = options
    if (!carriesObjectUp(options)) return options
    if (body instanceof Uint8Array) return { ...options, body: Buffer.from(change('up', body)) }
    return isAsyncIterable(body) ? { ...options, body: changeUp(body) as unknown as Readable } : options
  }
  const withHandler = (
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler
  ): Dispatcher.DispatchHandler => {
    let isObject = false
    return {
      onRequestStart: (controller, context) => handler.onRequestStart?.(controller, context),
      onResponseStart: (controller, status, headers, message) => {
        isObject = carriesObjectDown(options) && status < 300
        handler.onResponseStart?.(controller, status, headers, message)
      },
      onResponseData: (controller, chunk) =>
        handler.onResponseData?.(controller, isObject ? Buffer.from(change('down', chunk)) : chunk),
      onResponseEnd: (controller, trailers) => handler.onResponseEnd?.(controller, trailers),
      onResponseError: (controller, error) => handler.onResponseError?.(controller, error)
    }
  }
  return {
    // The methods of an Agent are on its prototype.
    dispatcher: new Proxy(agent, {
      get: (target, name) =>
        name === 'dispatch'
          ? (options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler) =>
              target.dispatch({ ...withBody(options) }, withHandler(options, handler))
          : (Reflect.get(target, name, target) as unknown)
    }),
    arm: (next) => {
      flip = next
      passed = 0
    },
    isDone: () => flip === undefined
  }
}
