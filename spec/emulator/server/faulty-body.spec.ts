/** Bodies under a fault: rates, and parts that a listing omits. The other faults: write-response.spec.ts. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { script, type Fault } from '../../../lib/emulator/index.js'
import { throttle } from '../../../lib/emulator/server/faulty-body.js'
import { bytesOf } from '../../support/bytes.js'
import { from, toArray } from '../../support/iterables.js'
import { openRawSocket, requestHead } from '../../support/raw-socket.js'
import { initiate, readTags, sendRequest, startTestEmulator } from '../../support/signed.js'

const key = 'k'
const startFaulty = (t: Parameters<typeof startTestEmulator>[0], operation: string, fault: Fault) =>
  startTestEmulator(t, { fault: script([{ operation, fault, times: 1 }]) })

t.test('throttle passes all bytes at its rate, from the first', async (t) => {
  const bytes = bytesOf(5000, 1)
  const { signal } = new AbortController()
  const start = performance.now()
  const passed = await toArray(throttle(50_000, from(bytes.subarray(0, 10), bytes.subarray(10)), signal))
  const took = performance.now() - start
  t.ok(Buffer.concat(passed).equals(bytes))
  // Timers of Node may fire a millisecond early.
  t.ok(took >= 95, `5000 bytes took ${String(took)} ms`)
})

t.test('throttle limits the body of a request and the body of a response', async (t) => {
  const body = bytesOf(5000, 1)
  const timeFault = async (operation: string, fault: Fault): Promise<number> => {
    const emulator = await startFaulty(t, operation, fault)
    const start = performance.now()
    await sendRequest(emulator, { method: 'PUT', key, body })
    t.ok((await sendRequest(emulator, { key })).body.equals(body))
    return performance.now() - start
  }
  t.ok((await timeFault('PutObject', { throttle: { up: 50_000 } })) >= 95, 'up')
  t.ok((await timeFault('GetObject', { throttle: { down: 50_000 } })) >= 95, 'down')
})

t.test('loseParts omits parts from a List Parts, once, and leaves them in the upload', async (t) => {
  const emulator = await startFaulty(t, 'ListParts', { loseParts: [1, 12] })
  const uploadId = await initiate(emulator, key)
  for (const partNumber of ['1', '2', '12'])
    await sendRequest(emulator, { method: 'PUT', key, query: { partNumber, uploadId }, body: 'x' })
  const list = async () =>
    readTags((await sendRequest(emulator, { key, query: { uploadId } })).text, 'PartNumber')
  t.strictSame(await list(), ['2'])
  t.strictSame(await list(), ['1', '2', '12'])
})

t.test('halfClose sends FIN and reads on until the client closes', async (t) => {
  const emulator = await startFaulty(t, 'PutObject', { cut: { at: 'request', after: 3 }, halfClose: true })
  const { socket, send, receive } = await openRawSocket(emulator.port)
  send(requestHead(emulator, { method: 'PUT', key, headers: { 'content-length': '8' } }))
  send('abc')
  t.equal(await receive(), '', 'the end, without a response')
  send('defgh')
  await sleep(20)
  t.equal(socket.destroyed, false)
  t.equal(emulator.openConnections(), 1)
  t.match(emulator.requests(), [{ status: 0 }])
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.end()
  await closed

  const inBody = await startFaulty(t, 'GetObject', { cut: { at: 'body', after: 4 }, halfClose: true })
  await sendRequest(inBody, { method: 'PUT', key, body: 'abcdef' })
  const reader = await openRawSocket(inBody.port)
  reader.send(requestHead(inBody, { key }))
  t.match(await reader.receive(), /content-length: 6[^]*\r\n\r\nabcd$/i)
  t.equal(reader.socket.destroyed, false)
  reader.socket.destroy()
})
