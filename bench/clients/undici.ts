/** undici alone: the same requests, not signed, hashed or checked. */
import { createWriteStream } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Agent, type Dispatcher } from 'undici'
import { cosHost, fileConcurrency, inFlight, partSize, type Peer } from '../support/peer.js'
import { workers } from '../support/workers.js'

export const connect = (origin: string): Peer => {
  const agent = new Agent({ pipelining: 1 })
  const request = (
    method: Dispatcher.HttpMethod,
    path: string,
    body: Buffer | null = null
  ): Promise<Dispatcher.ResponseData> =>
    // By default undici closes the connection after each HEAD.
    agent.request({ origin, method, path, headers: { host: cosHost }, body, reset: false })
  const ask = async (method: Dispatcher.HttpMethod, path: string, body?: Buffer): Promise<void> => {
    const { body: answer } = await request(method, path, body)
    await answer.dump()
  }
  return {
    name: 'undici alone: not signed, not checked',
    integrity: 'none',
    put: (key, body) => ask('PUT', `/${key}`, body),
    head: (key) => ask('HEAD', `/${key}`),
    upload: async (key, chunks) => {
      await ask('POST', `/${key}?uploads`)
      const sending = new Set<Promise<void>>()
      let number = 0
      const sendPart = async (part: Buffer): Promise<void> => {
        if (sending.size === inFlight) await Promise.race(sending)
        number += 1
        const sent = ask('PUT', `/${key}?partNumber=${String(number)}&uploadId=u`, part).finally(() => {
          sending.delete(sent)
        })
        sending.add(sent)
      }
      let part: Array<Uint8Array> = []
      let size = 0
      for await (const chunk of chunks()) {
        part.push(chunk)
        size += chunk.length
        if (size < partSize) continue
        await sendPart(Buffer.concat(part))
        part = []
        size = 0
      }
      if (size > 0) await sendPart(Buffer.concat(part))
      await Promise.all(sending)
      await ask('POST', `/${key}?uploadId=u`, Buffer.from('<CompleteMultipartUpload/>'))
    },
    download: async (key) => (await request('GET', `/${key}`)).body,
    downloadFile: async (key, path) => {
      await pipeline((await request('GET', `/${key}`)).body, createWriteStream(path))
    },
    list: async (prefix) => {
      let count = 0
      for (let marker: string | undefined = ''; marker !== undefined;) {
        const path = `/?prefix=${encodeURIComponent(prefix)}&marker=${encodeURIComponent(marker)}`
        const { body } = await request('GET', path)
        const text: string = await body.text()
        count += text.split('<Contents>').length - 1
        marker = /<NextMarker>(.*)<\/NextMarker>/.exec(text)?.[1]
      }
      return count
    },
    uploadDirectory: (directory, names) =>
      workers(names.length, fileConcurrency, async (at) => {
        const name = names[at] ?? ''
        await ask('PUT', `/${name}`, await readFile(join(directory, name)))
      }),
    downloadDirectory: (prefix, directory) =>
      workers(Number(/objects-(\d+)/.exec(prefix)?.[1]), fileConcurrency, async (at) => {
        const name = String(at + 1).padStart(8, '0')
        const { body } = await request('GET', `/${prefix}${name}`)
        await writeFile(join(directory, name), Buffer.from(await body.arrayBuffer()))
      }),
    close: () => agent.destroy()
  }
}
