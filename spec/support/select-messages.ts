/** Messages of Select's event stream: recorded ones, and encoders for others. */
import { crc32 } from 'node:zlib'
import * as t from 'io-ts'
import { vectors } from './vectors.js'

const Stats = t.type({ bytesScanned: t.number, bytesProcessed: t.number, bytesReturned: t.number })

const Recorded = t.type({
  messages: t.array(
    t.type({
      name: t.string,
      size: t.number,
      hex: t.string,
      event: t.union([
        t.type({ _tag: t.literal('Records'), text: t.string }),
        t.type({ _tag: t.literal('Progress'), stats: Stats }),
        t.type({ _tag: t.literal('Stats'), stats: Stats }),
        t.type({ _tag: t.literal('Error'), code: t.string, message: t.string }),
        t.type({ _tag: t.union([t.literal('Cont'), t.literal('End')]) })
      ])
    })
  )
})

export const recordedMessages = () => vectors('select-events.json', Recorded).messages

/** The bytes of a recorded message. */
export const recordedMessage = (name: string): Buffer => {
  const found = recordedMessages().find((message) => message.name === name)
  if (found === undefined) throw new Error(`no message is named ${name}`)
  return Buffer.from(found.hex, 'hex')
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export const encodeHeader = (name: string, value: string, type = 7): Buffer => {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(Buffer.byteLength(value))
  return Buffer.concat([
    Uint8Array.of(Buffer.byteLength(name)),
    Buffer.from(name),
    Uint8Array.of(type),
    length,
    Buffer.from(value)
  ])
}

/** A message with correct checksums. */
export const frameMessage = (headers: Uint8Array, payload: Uint8Array, total?: number): Buffer => {
  const prelude = Buffer.concat([
    uint32(total ?? headers.length + payload.length + 16),
    uint32(headers.length)
  ])
  const bytes = Buffer.concat([prelude, uint32(crc32(prelude)), headers, payload])
  return Buffer.concat([bytes, uint32(crc32(bytes))])
}

export const encodeMessage = (
  headers: Readonly<Record<string, string>>,
  payload: string | Uint8Array = ''
): Buffer =>
  frameMessage(
    Buffer.concat(Object.entries(headers).map(([name, value]) => encodeHeader(name, value))),
    Buffer.from(payload)
  )

export const encodeEvent = (type: string, payload: string | Uint8Array = ''): Buffer =>
  encodeMessage({ ':message-type': 'event', ':event-type': type }, payload)
