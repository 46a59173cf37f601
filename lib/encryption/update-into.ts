/** A cipher that writes into memory of the caller: `cipher.update` of Node always returns new memory. */
import type { Cipher } from 'node:crypto'
import { MessageChannel, type MessagePort } from 'node:worker_threads'

let closed: MessagePort | undefined

const closedPort = (): MessagePort => {
  const { port1 } = new MessageChannel()
  port1.close()
  return port1
}

/**
 * Frees the memory of a buffer now, and not at the next garbage collection. Sending a buffer takes it from the sender, and
 * what is sent to a closed port is dropped. (`ArrayBuffer.prototype.transfer` does so from Node 22 on.)
 */
const free = ({ buffer, byteLength }: Buffer): void => {
  // Not a view of memory that it shares.
  if (byteLength !== buffer.byteLength || !(buffer instanceof ArrayBuffer)) return
  closed ??= closedPort()
  closed.postMessage(undefined, [buffer])
}

/**
 * Encrypts bytes into `target` from `at` on; returns the end. `bytes` may be the same memory.
 *
 * Left to the garbage collector, the memory that `cipher.update` returns took more time than the cipher: an upload of 256 MiB
 * had 14 mark-compact collections, for a heap of 14 MB (Node 20.20).
 */
export const updateInto = (cipher: Cipher, bytes: Uint8Array, target: Uint8Array, at: number): number => {
  const updated = cipher.update(bytes)
  target.set(updated, at)
  const end = at + updated.length
  free(updated)
  return end
}
