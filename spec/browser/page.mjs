/** The script of the page that Chromium opens in `chromium.spec.ts`. It uploads and downloads, and sends back what it saw. */
/* global crypto, Blob, File, fetch, FormData */

const hex = async (bytes) =>
  [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')

const contentOf = (size) => Uint8Array.from({ length: size }, (_, at) => (at * 31 + (at >> 8)) & 0xff)

/** Each step returns what the spec expects to be equal. */
const steps = {
  'the SDK puts and gets': async ({ at, credentials }) => {
    const sdk = new globalThis.COS({ ...credentials, Protocol: 'https:' })
    const body = contentOf(100_000)
    const put = await sdk.putObject({ ...at, Key: 'sdk/a b+腾.bin', Body: new Blob([body]) })
    const got = await sdk.getObject({ ...at, Key: 'sdk/a b+腾.bin', DataType: 'arraybuffer' })
    return { etag: put.ETag, sent: await hex(body), received: await hex(got.Body) }
  },
  'the SDK uploads in parts': async ({ at, credentials }) => {
    const sdk = new globalThis.COS({ ...credentials, Protocol: 'https:' })
    const body = contentOf(3 * 1024 * 1024 + 7)
    const file = new File([body], 'big')
    await sdk.uploadFile({ ...at, Key: 'sdk/big', Body: file, SliceSize: 1, ChunkSize: 1024 * 1024 })
    const head = await sdk.headObject({ ...at, Key: 'sdk/big' })
    const got = await sdk.getObject({ ...at, Key: 'sdk/big', DataType: 'blob' })
    return {
      etag: head.ETag,
      ...{ sent: await hex(body), received: await hex(await got.Body.arrayBuffer()) }
    }
  },
  'presigned URLs put and get': async ({ urls }) => {
    const body = contentOf(50_000)
    const put = await fetch(urls.put, { method: 'PUT', body })
    const got = await fetch(urls.get)
    const bytes = await got.arrayBuffer()
    return { etag: put.headers.get('etag'), sent: await hex(body), received: await hex(bytes) }
  },
  'a form uploads': async ({ form, urls }) => {
    const body = contentOf(70_000)
    const data = new FormData()
    for (const [name, value] of Object.entries(form)) data.append(name, value)
    data.append('file', new File([body], 'photo.png'))
    const posted = await fetch(urls.form, { method: 'POST', body: data })
    const got = await fetch(urls.posted)
    return {
      etag: posted.headers.get('etag'),
      ...{ sent: await hex(body), received: await hex(await got.arrayBuffer()) }
    }
  },
  'a bucket without rules refuses': async ({ urls }) => {
    const refused = await fetch(urls.refused).catch((thrown) => thrown)
    return { refused: refused instanceof TypeError }
  }
}

const input = await (await fetch('/input')).json()
const results = {}
for (const [name, step] of Object.entries(steps))
  results[name] = await step(input).catch((thrown) => ({
    error: thrown instanceof Error ? thrown.message : JSON.stringify(thrown)
  }))
await fetch('/results', { method: 'POST', body: JSON.stringify(results) })
