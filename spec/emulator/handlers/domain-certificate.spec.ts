import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Emulator } from '../../../lib/emulator/index.js'
import { type ReceivedResponse, readTag, sendRequest, startTestEmulator } from '../../support/signed.js'

const request = (
  emulator: Emulator,
  method: string,
  domain?: string,
  body?: string
): Promise<ReceivedResponse> =>
  sendRequest(emulator, {
    ...{ method, query: { domaincertificate: '', ...(domain === undefined ? {} : { domainname: domain }) } },
    ...(body === undefined ? {} : { body })
  })

const certificate = (...domains: ReadonlyArray<string>): string =>
  `<DomainCertificate><CertificateInfo><CertType>CustomCert</CertType><CustomCert><Cert>certificate</Cert>` +
  `<PrivateKey>private key</PrivateKey></CustomCert></CertificateInfo><DomainList>${domains
    .map((domain) => `<DomainName>${domain}</DomainName>`)
    .join('')}</DomainList></DomainCertificate>`

t.test('a certificate is set, reported and removed, and its key is not stored', async (t) => {
  const dir = t.testdir()
  const emulator = await startTestEmulator(t, { dir })
  const status = async (domain: string): Promise<string | undefined> =>
    readTag((await request(emulator, 'GET', domain)).text, 'Status')
  t.equal(await status('a.example.com'), 'Disabled')
  const put = await request(emulator, 'PUT', undefined, certificate('a.example.com', 'B.example.com'))
  t.equal(put.status, 200)
  t.strictSame(await Promise.all(['A.example.com', 'b.example.com', 'c.example.com'].map(status)), [
    ...['Enabled', 'Enabled', 'Disabled']
  ])
  t.equal((await request(emulator, 'DELETE', 'a.example.com')).status, 204)
  t.strictSame(await Promise.all(['a.example.com', 'b.example.com'].map(status)), ['Disabled', 'Enabled'])
  t.notMatch(readFileSync(join(dir, 'journal'), 'utf8'), /private key/)
})

t.test('a certificate without domains, and a request without a domain, fail', async (t) => {
  const emulator = await startTestEmulator(t)
  const code = async (response: Promise<ReceivedResponse>): Promise<string | undefined> =>
    readTag((await response).text, 'Code')
  t.equal(await code(request(emulator, 'PUT', undefined, certificate())), 'MalformedXML')
  t.equal(await code(request(emulator, 'PUT', undefined, '<DomainCertificate/>')), 'MalformedXML')
  for (const method of ['GET', 'DELETE']) t.equal(await code(request(emulator, method)), 'InvalidArgument')
})
