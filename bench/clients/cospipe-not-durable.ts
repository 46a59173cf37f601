/** cospipe without the wait for the disk, as all other clients download to a file. */
import type { Peer } from '../support/peer.js'
import { clientAt, downloadTo } from './cospipe.js'

export const connect = (origin: string): Peer => {
  const client = clientAt(new URL(origin).host)
  return {
    name: 'cospipe, `durable: false`',
    integrity: 'CRC64 up and down',
    downloadFile: (key, file) => downloadTo(client, key, file, false),
    close: () => client.close()
  }
}
