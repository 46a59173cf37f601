import t from 'tap'
import { deleteObject } from '../../../lib/operations/delete-object.js'
import { putObject } from '../../../lib/operations/put-object.js'
import { send } from '../../../lib/client/send.js'
import { streamObjectVersions } from '../../../lib/transfers/list/stream-object-versions.js'
import { bucket, startCos } from '../../support/cos.js'
import { toArray } from '../../support/iterables.js'
import { right } from '../../support/server.js'

t.test(
  'streamObjectVersions yields versions and delete markers by key, newest first, over all pages',
  async (t) => {
    const cos = await startCos(t, { buckets: [{ name: bucket, versioning: 'Enabled' }] })
    const client = cos.client()
    for (const key of ['a', 'b']) {
      for (const body of ['1', '22', '333']) right(await send(putObject({ bucket, key, body }))(client)())
      right(await send(deleteObject({ bucket, key }))(client)())
    }
    const shown = ['marker', 3, 2, 1]
    for (const maxKeys of [1, 3, 1000]) {
      const found = await toArray(streamObjectVersions({ bucket, maxKeys })(client))
      t.same(
        found.map((entry) => [entry.key, entry._tag === 'Version' ? entry.size : 'marker']),
        ['a', 'b'].flatMap((key) => shown.map((what) => [key, what]))
      )
      t.equal(found.filter(({ isLatest }) => isLatest).length, 2)
      const { cursor } = found[4]!
      t.equal((await toArray(streamObjectVersions({ bucket, cursor, maxKeys })(client))).length, 3)
    }
  }
)
