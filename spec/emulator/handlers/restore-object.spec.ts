import t from 'tap'
import { sendRequest, startTestEmulator, readTag, type ReceivedResponse } from '../../support/signed.js'

const key = 'cold'
const minutes = (count: number): number => count * 60_000
const days = (count: number): number => minutes(count * 1440)
const request = (count: number | string, tier?: string): string =>
  `<RestoreRequest><Days>${String(count)}</Days>${
    tier === undefined ? '' : `<CASJobParameters><Tier>${tier}</Tier></CASJobParameters>`
  }</RestoreRequest>`

const startArchived = async (t: Parameters<typeof startTestEmulator>[0], storageClass: string) => {
  let now = Date.parse('2024-11-18T09:34:50Z')
  const emulator = await startTestEmulator(t, { now: () => now })
  const sendNow = (input: Parameters<typeof sendRequest>[1]): Promise<ReceivedResponse> =>
    sendRequest(emulator, { now, ...input })
  await sendNow({ method: 'PUT', key, body: 'ice', headers: { 'x-cos-storage-class': storageClass } })
  return {
    timed: sendNow,
    wait: (time: number) => (now += time),
    restore: (body: string) => sendNow({ method: 'POST', key, query: { restore: '' }, body })
  }
}

t.test('an archived object is readable between the end of its restore and the expiry', async (t) => {
  const { timed, wait, restore } = await startArchived(t, 'ARCHIVE')
  const head = async (): Promise<ReceivedResponse['headers']> =>
    (await timed({ method: 'HEAD', key })).headers
  const status = async (): Promise<string | undefined> => readTag((await timed({})).text, 'RestoreStatus')
  t.match(await timed({ key }), { status: 403, text: /InvalidObjectState/ })
  t.match(await head(), { 'x-cos-storage-class': 'ARCHIVE', 'content-length': '3' })
  t.equal((await head())['x-cos-restore'], undefined)
  t.equal(await status(), '')

  t.match(await restore(request(1, 'Bulk')), { status: 202, text: '' })
  t.match(await head(), {
    'x-cos-restore': 'ongoing-request="true"',
    'x-cos-restore-status': 'tier="bulk"; request-date="Mon, 18 Nov 2024 09:34:50 GMT"'
  })
  t.equal(await status(), 'ONGOING')
  t.equal((await timed({ key })).status, 403)
  t.match(await restore(request(1)), { status: 409, text: /RestoreAlreadyInProgress/ })

  wait(minutes(12 * 60))
  t.match(await head(), {
    'x-cos-restore': 'ongoing-request="false", expiry-date="Tue, 19 Nov 2024 21:34:50 GMT"'
  })
  t.equal(await status(), 'DONE')
  t.equal((await timed({ key })).text, 'ice')
  t.equal((await restore(request(3))).status, 200, 'restoring again extends the copy')
  wait(days(2))
  t.equal((await timed({ key })).text, 'ice')
  wait(days(1))
  t.equal((await timed({ key })).status, 403)
  t.equal((await head())['x-cos-restore'], undefined)
})

t.test('each storage class and tier has its restore duration', async (t) => {
  const cases = [
    ['ARCHIVE', 'Expedited', minutes(5)],
    ['ARCHIVE', undefined, minutes(5 * 60)],
    ['ARCHIVE', 'Standard', minutes(5 * 60)],
    ['DEEP_ARCHIVE', 'Standard', minutes(24 * 60)],
    ['DEEP_ARCHIVE', 'Bulk', minutes(48 * 60)]
  ] as const
  for (const [storageClass, tier, time] of cases) {
    const { timed, wait, restore } = await startArchived(t, storageClass)
    t.equal((await restore(request(1, tier))).status, 202)
    wait(time - 1)
    t.equal((await timed({ key })).status, 403)
    wait(1)
    t.equal((await timed({ key })).status, 200, `${storageClass} ${String(tier)}`)
  }
})

t.test("a restore that is not possible fails with COS's code", async (t) => {
  const { timed, restore } = await startArchived(t, 'DEEP_ARCHIVE')
  t.match(await restore(request(1, 'Expedited')), { status: 400, text: /InvalidArgument/ })
  t.match(await restore(request(1, 'Sometime')), { status: 400, text: /InvalidArgument/ })
  for (const count of [0, -1, 'x', '1.5', ''])
    t.match(await restore(request(count)), { status: 400, text: /MalformedXML/ })
  t.match(await restore('<Restore/>'), { status: 400, text: /MalformedXML/ })
  await timed({ method: 'PUT', key: 'warm', body: 'x' })
  const post = { method: 'POST', query: { restore: '' }, body: request(1) } as const
  t.match(await timed({ ...post, key: 'warm' }), { status: 405, text: /RestoreNonArchiveObject/ })
  t.match(await timed({ ...post, key: 'absent' }), { status: 404, text: /NoSuchKey/ })
})

t.test("restoreTime replaces COS's durations", async (t) => {
  const emulator = await startTestEmulator(t, { restoreTime: 0 })
  await sendRequest(emulator, {
    method: 'PUT',
    key,
    body: 'ice',
    headers: { 'x-cos-storage-class': 'ARCHIVE' }
  })
  await sendRequest(emulator, { method: 'POST', key, query: { restore: '' }, body: request(1) })
  t.equal((await sendRequest(emulator, { key })).text, 'ice')
})
