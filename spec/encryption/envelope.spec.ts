import * as O from 'fp-ts/lib/Option.js'
import t from 'tap'
import { readEnvelope } from '../../lib/encryption/envelope.js'
import { pythonMetadata, readInstructionFile } from '../../lib/encryption/foreign-envelope.js'
import { isReservedMetadata, userMetadata } from '../../lib/encryption/metadata-names.js'
import { javaVectors, pythonVectors } from '../support/encryption.js'
import { left, right } from '../support/server.js'

const p = 'x-cos-meta-client-side-encryption-'
const python = { [`${p}key`]: 'AAEC', [`${p}iv`]: 'AwQF' }
const java = {
  [`${p}key`]: 'AAEC',
  [`${p}start`]: 'AwQF',
  [`${p}cek-alg`]: 'AES/GCM/NoPadding',
  [`${p}wrap-alg`]: 'AESWrap',
  'x-cos-meta-x-cos-tag-len': '128'
}
const go = {
  ...java,
  [`${p}cek-alg`]: 'AES/CTR/NoPadding',
  [`${p}wrap-alg`]: 'KMS/TencentCloud',
  'x-cos-meta-x-cos-tag-len': undefined
}

const read = (headers: Readonly<Record<string, string | undefined>>) =>
  readEnvelope(
    Object.fromEntries(
      Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
    )
  )

const formats = (headers: Readonly<Record<string, string | undefined>>): ReadonlyArray<string> => {
  const found = right(read(headers))
  return O.isSome(found) ? found.value.formats : []
}

t.test('the format of each recorded object is read', async (t) => {
  for (const { id, metadata } of pythonVectors()) t.same(formats(metadata), ['python'], id)
  for (const { id, metadata, instructionObject } of javaVectors()) {
    const expected = /ctr/.test(id) ? 'java-ctr' : /cbc/.test(id) ? 'java-cbc' : 'java-gcm'
    if (instructionObject === undefined) t.same(formats(metadata), [expected], id)
    else {
      t.same(formats(metadata), [], id)
      t.same(right(readInstructionFile(instructionObject.body)).formats, [expected], id)
    }
  }
})

t.test('an object without encryption metadata has no envelope', async (t) => {
  t.same(right(read({})), O.none)
  t.same(right(read({ 'x-cos-meta-owner': 'a', 'content-type': 'text/plain' })), O.none)
})

t.test('CTR with KMS may be of Go or Java; with a tag length it is of Java', async (t) => {
  t.same(formats(go), ['go', 'java-ctr'])
  t.same(formats({ ...go, 'x-cos-meta-x-cos-tag-len': '128' }), ['java-ctr'])
  t.same(formats({ ...go, [`${p}wrap-alg`]: 'AESWrap' }), ['java-ctr'])
})

t.test('old names of Java are read, with an IV that is not wrapped', async (t) => {
  const old = {
    'x-cos-meta-x-cos-key-v2': 'AAEC',
    'x-cos-meta-x-cos-iv': 'AwQF',
    'x-cos-meta-x-cos-cek-alg': 'AES/CTR/NoPadding',
    'x-cos-meta-x-cos-wrap-alg': 'AESWrap',
    'x-cos-meta-x-cos-matdesc': '{"k":"v"}'
  }
  t.match(right(read(old)), {
    value: { formats: ['java-ctr'], iv: { clear: Buffer.of(3, 4, 5) }, description: { k: 'v' } }
  })
  t.match(left(read({ ...old, 'x-cos-meta-x-cos-iv': undefined })), { problem: 'x-cos-iv is missing' })
  t.match(left(read({ ...old, 'x-cos-meta-x-cos-key-v2': undefined })), {
    problem: 'x-cos-key-v2 is missing'
  })
})

t.test('incomplete and contradictory metadata are BadEnvelope', async (t) => {
  for (const [headers, problem] of [
    [{ ...python, [`${p}iv`]: undefined }, /-iv \(or -start\) is missing/],
    [{ ...python, [`${p}key`]: undefined }, /-key is missing/],
    [{ ...java, [`${p}key`]: undefined }, /-key is missing/],
    [{ ...python, [`${p}start`]: 'AwQF' }, /both/],
    [{ ...python, [`${p}cek-alg`]: 'AES/GCM/NoPadding' }, /name of an algorithm/],
    [{ ...python, [`${p}wrap-alg`]: 'AESWrap' }, /name of an algorithm/],
    [{ ...java, [`${p}cek-alg`]: undefined }, /cek-alg/],
    [{ ...java, [`${p}wrap-alg`]: undefined }, /wrap-alg/],
    [{ ...java, 'x-cos-meta-x-cos-tag-len': undefined }, /tag-len/],
    [{ ...java, [`${p}matdesc`]: '[]' }, /matdesc/],
    [{ ...java, [`${p}matdesc`]: '{"a":1}' }, /matdesc/],
    [{ ...java, [`${p}matdesc`]: '{' }, /matdesc/],
    [{ ...python, [`${p}key`]: 'AAEC=' }, /-key is not base64/],
    [{ ...python, [`${p}key`]: '' }, /-key is not base64/],
    [{ ...python, [`${p}iv`]: 'AwQ' }, /-iv is not base64/],
    [{ ...java, [`${p}start`]: '*' }, /-start is not base64/]
  ] as const) {
    t.match(left(read(headers)), { reason: 'BadEnvelope', problem })
  }
})

t.test('unknown algorithms and the later Python wrap are Unsupported, with their name', async (t) => {
  for (const [headers, problem] of [
    [{ ...java, [`${p}cek-alg`]: 'AES/OFB/NoPadding' }, /"AES\/OFB\/NoPadding"/],
    [{ ...java, [`${p}wrap-alg`]: 'RSA/ECB/PKCS1Padding' }, /"RSA\/ECB\/PKCS1Padding"/],
    [{ ...java, [`${p}wrap-alg`]: 'toString' }, /"toString"/],
    [{ ...java, [`${p}cek-alg`]: 'constructor' }, /"constructor"/],
    [{ ...java, 'x-cos-meta-x-cos-tag-len': '96' }, /tag of "96" bits/],
    [{ ...python, [`${p}master-iv`]: 'AAEC' }, /master-iv/]
  ] as const) {
    t.match(left(read(headers)), { reason: 'Unsupported', problem })
  }
})

t.test('an instruction file that is not JSON of strings, or has no key, is BadEnvelope', async (t) => {
  for (const text of [
    '',
    '{',
    '[]',
    'null',
    '{"x-cos-iv":1}',
    '{}',
    '{"x-cos-iv":"AAEC"}',
    '{"__proto__":{"x-cos-key":"AAEC"}}'
  ])
    t.match(left(readInstructionFile(text)), { reason: 'BadEnvelope' }, text)
})

t.test('written metadata are read back, with the key id if there is one', async (t) => {
  for (const keyId of [O.none, O.some('2026'), O.some('a "quoted" %41 id')]) {
    const metadata = pythonMetadata(Buffer.of(1, 2), Buffer.of(3), keyId)
    t.equal(Object.keys(metadata).length, O.isSome(keyId) ? 3 : 2)
    const headers = Object.fromEntries(
      Object.entries(metadata).map(([name, value]) => [`x-cos-meta-${name}`, value.replace('%', '%25')])
    )
    t.match(right(read(headers)), {
      value: { wrappedKey: Buffer.of(1, 2), iv: { wrapped: Buffer.of(3) }, keyId }
    })
  }
})

t.test('names of encryption metadata are reserved in any case, with or without the prefix', async (t) => {
  for (const name of [
    ...['client-side-encryption-key', 'Client-Side-Encryption-Anything', `${p}iv`, 'X-COS-META-x-cos-iv'],
    ...['cospipe-sealed', 'x-cos-key-v2', 'x-cos-tag-len', 'x-cos-crypto-instr-file']
  ]) {
    t.ok(isReservedMetadata(name), name)
  }
  for (const name of ['owner', 'client-side', 'x-cos-keyword', 'x-cos-meta-owner'])
    t.notOk(isReservedMetadata(name), name)
  t.same(userMetadata({ owner: 'a', 'client-side-encryption-key': 'b', 'x-cos-tag-len': '128' }), {
    owner: 'a'
  })
})
