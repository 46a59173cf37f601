import t from 'tap'
import { createMultipartUpload } from '../../../lib/operations/create-multipart-upload.js'
import { send } from '../../../lib/client/send.js'
import { streamMultipartUploads } from '../../../lib/transfers/list/stream-multipart-uploads.js'
import { bucket, startCos } from '../../support/cos.js'
import { toArray } from '../../support/iterables.js'
import { right } from '../../support/server.js'

t.test(
  'streamMultipartUploads yields uploads by key and id over all pages, and a cursor resumes it',
  async (t) => {
    const cos = await startCos(t)
    const client = cos.client()
    const created: Array<string> = []
    for (const key of ['a', 'a', 'a', 'b', 'c/1']) {
      created.push(right(await send(createMultipartUpload({ bucket, key }))(client)()).uploadId)
    }
    for (const maxUploads of [1, 2, 1000]) {
      const found = await toArray(streamMultipartUploads({ bucket, maxUploads })(client))
      t.same(
        found.map(({ key }) => key),
        ['a', 'a', 'a', 'b', 'c/1']
      )
      t.same(new Set(found.map(({ uploadId }) => uploadId)), new Set(created))
      const rest = await toArray(
        streamMultipartUploads({ bucket, maxUploads, cursor: found[1]!.cursor })(client)
      )
      t.same(
        rest.map(({ uploadId }) => uploadId),
        found.slice(2).map(({ uploadId }) => uploadId)
      )
    }
    const grouped = await toArray(streamMultipartUploads({ bucket, delimiter: '/' })(client))
    t.match(grouped.at(-1), { _tag: 'CommonPrefix', prefix: 'c/' })
  }
)
