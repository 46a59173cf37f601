/** The attributes of an object in the emulator's store, for its specs. */
import type { Attributes } from '../../lib/emulator/store/model.js'

export const attributes: Attributes = {
  headers: { 'content-type': 'text/plain' },
  storageClass: 'STANDARD',
  acl: 'default',
  grants: {},
  encryption: { _tag: 'None' },
  tags: []
}
