/** Writes the messages of Select's event stream, each with its two checksums. Their reader is core/event-stream. */
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

const frameMessage = (headers: Headers, payload: Uint8Array): Buffer => {
  const block = Buffer.concat(headers.map(header))
  const prelude = Buffer.concat([uint32(block.length + payload.length + 16), uint32(block.length)])
  const message = Buffer.concat([prelude, uint32(crc32(prelude)), block, payload])
  return Buffer.concat([message, uint32(crc32(message))])
}

const writeMessage = (type: string, contentType?: string, payload: Uint8Array = new Uint8Array()): Buffer =>
  frameMessage(
    [
      [':message-type', 'event'],
      [':event-type', type],
      ...(contentType === undefined ? [] : ([[':content-type', contentType]] as const))
    ],
    payload
  )

const writeStats = (type: string, { bytesScanned, bytesProcessed, bytesReturned }: SelectStats): Buffer =>
  writeMessage(
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

// A header value has at most 65,535 bytes, and a message that quotes a record could be longer. Control characters could
// break lines of a log.
// eslint-disable-next-line no-control-regex
const shorten = (message: string): string => message.replace(/[\0-\x1f\x7f]+/g, ' ').slice(0, 1000)

export const writeEvent = (event: SelectEvent): Buffer => {
  switch (event._tag) {
    case 'Records':
      return writeMessage('Records', 'application/octet-stream', event.bytes)
    case 'Cont':
    case 'End':
      return writeMessage(event._tag)
    case 'Progress':
    case 'Stats':
      return writeStats(event._tag, event.stats)
    case 'Error':
      return frameMessage(
        [
          [':error-code', event.code],
          [':error-message', shorten(event.message)],
          [':message-type', 'error']
        ],
        new Uint8Array()
      )
  }
}
