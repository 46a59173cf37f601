/** Writing Select's event stream: each message with its two checksums. What reads it is core/event-stream. */
import { crc32 } from 'node:zlib'
import type { SelectEvent, SelectStats } from '../../core/event-stream.js'
import { writeXml } from '../../core/xml.js'

type Headers = ReadonlyArray<readonly [name: string, value: string]>

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

const text = 7
const header = ([name, value]: Headers[number]): Buffer => {
  const [key, content] = [Buffer.from(name), Buffer.from(value)]
  const length = Buffer.alloc(2)
  length.writeUInt16BE(content.length)
  return Buffer.concat([Uint8Array.of(key.length), key, Uint8Array.of(text), length, content])
}

const framed = (headers: Headers, payload: Uint8Array): Buffer => {
  const block = Buffer.concat(headers.map(header))
  const prelude = Buffer.concat([uint32(block.length + payload.length + 16), uint32(block.length)])
  const message = Buffer.concat([prelude, uint32(crc32(prelude)), block, payload])
  return Buffer.concat([message, uint32(crc32(message))])
}

const event = (type: string, contentType?: string, payload: Uint8Array = new Uint8Array()): Buffer =>
  framed(
    [
      [':message-type', 'event'],
      [':event-type', type],
      ...(contentType === undefined ? [] : ([[':content-type', contentType]] as const))
    ],
    payload
  )

const stats = (type: string, { bytesScanned, bytesProcessed, bytesReturned }: SelectStats): Buffer =>
  event(
    type,
    'text/xml',
    Buffer.from(
      writeXml([
        type,
        [
          ['BytesScanned', String(bytesScanned)],
          ['BytesProcessed', String(bytesProcessed)],
          ['BytesReturned', String(bytesReturned)]
        ]
      ])
    )
  )

// A header's value has 65,535 bytes at most; a message that quotes a record could be longer. Of a control character
// a log would make a line of its own.
// eslint-disable-next-line no-control-regex
const brief = (message: string): string => message.replace(/[\0-\x1f\x7f]+/g, ' ').slice(0, 1000)

export const writeEvent = (told: SelectEvent): Buffer => {
  switch (told._tag) {
    case 'Records':
      return event('Records', 'application/octet-stream', told.bytes)
    case 'Cont':
    case 'End':
      return event(told._tag)
    case 'Progress':
    case 'Stats':
      return stats(told._tag, told.stats)
    case 'Error':
      return framed(
        [
          [':error-code', told.code],
          [':error-message', brief(told.message)],
          [':message-type', 'error']
        ],
        new Uint8Array()
      )
  }
}
