/** The thread of crc64-thread.ts: receives bytes in shared memory, and replies with their CRC64. */
import { parentPort } from 'node:worker_threads'
import { crc64 } from '../core/crc64.js'
import type { Job, Reply } from './crc64-thread.js'

parentPort?.on('message', ({ id, chunks }: Job) => {
  void crc64(...chunks).then((sum) => {
    const reply: Reply = { id, crc64: sum }
    parentPort?.postMessage(reply)
  })
})
