/** The memory of a listing does not depend on the size of the bucket: 30,000 keys, a million in `npm run fuzz`. */
import t from 'tap'
import { streamObjects } from '../../lib/transfers/list/stream-objects.js'
import { collectGarbage } from '../support/gc.js'
import { isLongForm } from '../support/long-form.js'
import { at, startServer } from '../support/server.js'

const total = isLongForm ? 1_000_000 : 30_000
const perPage = 1000
const { bucket } = at

/** Fixed width, so that the order of the text is that of the numbers. */
const keyOf = (n: number): string => `logs/2024/${String(n).padStart(9, '0')}.json`

const rest =
  '</Key><LastModified>2024-05-01T08:00:00.000Z</LastModified><ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>1</Size><Owner><ID>1250000000</ID><DisplayName>1250000000</DisplayName></Owner><StorageClass>STANDARD</StorageClass></Contents>'

/** The page after a marker. */
const pageAfter = (marker: string): string => {
  const first = Number(/(\d{9})\.json/.exec(marker)?.[1] ?? -1) + 1
  const last = Math.min(first + perPage, total) - 1
  let entries = ''
  for (let n = first; n <= last; n += 1) entries += `<Contents><Key>${keyOf(n)}${rest}`
  const end =
    last + 1 < total
      ? `<IsTruncated>true</IsTruncated><NextMarker>${keyOf(last)}</NextMarker>`
      : '<IsTruncated>false</IsTruncated>'
  return `<ListBucketResult><Name>${bucket}</Name><Prefix/><Marker>${marker}</Marker><MaxKeys>1000</MaxKeys>${end}${entries}</ListBucketResult>`
}

const heap = async (): Promise<number> => {
  await collectGarbage()
  return process.memoryUsage().heapUsed
}

t.test(`${total.toLocaleString('en')} keys are listed in constant memory`, async (t) => {
  const server = await startServer(t, (seen, response) => {
    const marker = new URL(seen.target, 'http://x').searchParams.get('marker') ?? ''
    const page = pageAfter(marker)
    response.writeHead(200, { 'content-type': 'application/xml', 'content-length': Buffer.byteLength(page) })
    response.end(page)
  })
  const weighed: Array<number> = []
  let count = 0
  let inOrder = true
  for await (const { key } of streamObjects({ bucket })(server.client())) {
    inOrder &&= key === keyOf(count)
    count += 1
    // In the middle of a page, the first time after five pages, when code and caches are warm.
    if (count % (total / 5) === perPage / 2 + perPage * 5) weighed.push(await heap())
  }
  t.equal(count, total)
  t.ok(inOrder, 'each key once, in order')
  t.equal(server.received.length, total / perPage)
  const [first = 0, ...others] = weighed
  t.ok(others.length >= 4, `weighed ${String(others.length)} times`)
  const growth = (Math.max(...others) - first) / 1024 / 1024
  t.ok(growth < 8, `${growth.toFixed(1)} MiB more than after the first pages`)
})
