/** Reads a form of a browser, `multipart/form-data`: small fields, then one file, whose bytes stay a stream. */
import * as E from 'fp-ts/lib/Either.js'
import { KiB } from '../../core/limits.js'
import { type ServiceError, fail } from './service-error.js'

export interface Form {
  /** Names in lower case. */
  readonly fields: Readonly<Record<string, string>>
  readonly filename: string
  /** The bytes of the file. May be read once. */
  readonly bytes: () => AsyncIterable<Uint8Array>
  /** Whether the file ended with the boundary. */
  readonly isComplete: () => boolean
  /** Stops reading. */
  readonly close: () => Promise<void>
}

// A policy has at most 20 KB.
const maxFields = 64 * KiB

const boundaryOf = (contentType: string): string | undefined => {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType) ?? []
  return quoted ?? plain
}

const parameter = (head: string, name: string): string | undefined =>
  new RegExp(`^content-disposition:[^\\r\\n]*;\\s*${name}="([^"]*)"`, 'im').exec(head)?.[1]

/**
 * Reads up to the file. COS ignores fields after it.
 *
 * @errors `MalformedPOSTRequest` if the form has no file, is not valid, or has more than 64 KiB of fields
 */
export const readForm = async (
  contentType: string,
  chunks: AsyncIterable<Uint8Array>
): Promise<E.Either<ServiceError, Form>> => {
  const boundary = boundaryOf(contentType)
  if (boundary === undefined) return fail('MalformedPOSTRequest', 'The Content-Type has no boundary.')
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
  const iterator = chunks[Symbol.asyncIterator]()
  // The first boundary has no line break before it.
  let buffer = Buffer.from('\r\n')
  let isComplete = false
  const close = async (): Promise<void> => {
    await iterator.return?.()
  }
  const pull = async (): Promise<boolean> => {
    const next = await iterator.next()
    if (next.done !== true) buffer = Buffer.concat([buffer, next.value])
    return next.done !== true
  }
  /** Takes the bytes before `mark` and the mark itself; undefined if it does not come within the limit. */
  const takeUntil = async (mark: Uint8Array): Promise<Buffer | undefined> => {
    for (;;) {
      const at = buffer.indexOf(mark)
      if (at >= 0) {
        const before = buffer.subarray(0, at)
        buffer = buffer.subarray(at + mark.length)
        return before
      }
      if (buffer.length > maxFields || !(await pull())) return undefined
    }
  }

  async function* bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const at = buffer.indexOf(delimiter)
      if (at >= 0) {
        isComplete = true
        if (at > 0) yield buffer.subarray(0, at)
        return
      }
      // The last bytes may be the start of the boundary.
      const sure = buffer.length - delimiter.length + 1
      if (sure > 0) {
        yield buffer.subarray(0, sure)
        buffer = buffer.subarray(sure)
      }
      if (!(await pull())) return
    }
  }

  const fields: Record<string, string> = {}
  const lineBreak = Buffer.from('\r\n')
  const headEnd = Buffer.from('\r\n\r\n')
  let size = 0
  let form: Form | undefined
  if ((await takeUntil(delimiter)) === undefined) size = Infinity
  while (size <= maxFields && form === undefined) {
    // After the last boundary there are two hyphens in place of a line break.
    const rest = await takeUntil(lineBreak)
    if (rest === undefined || rest.toString().trim() !== '') break
    buffer = Buffer.concat([lineBreak, buffer])
    const head = (await takeUntil(headEnd))?.toString()
    const name = head === undefined ? undefined : parameter(head, 'name')?.toLowerCase()
    if (head === undefined || name === undefined) break
    if (name === 'file') {
      const filename = parameter(head, 'filename') ?? ''
      form = { fields, filename, bytes, isComplete: () => isComplete, close }
    } else {
      const value = await takeUntil(delimiter)
      if (value === undefined) break
      size += value.length + head.length
      fields[name] = value.toString()
    }
  }
  if (form !== undefined) return E.right(form)
  await close()
  return fail('MalformedPOSTRequest')
}
