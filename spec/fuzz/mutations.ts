/** From a true answer to one that may say anything. Each step names what it did. */
import { gzipSync } from 'node:zlib'
import type { Chance } from './seeded-random.js'
import { frames, subjects, xml, type Answer, type Subject } from './targets.js'

export interface Draft {
  readonly answer: Answer
  readonly harmless: boolean
  readonly cut: boolean
  readonly did: ReadonlyArray<string>
}

type Mutation = (draft: Draft, chance: Chance, subject: Subject) => Draft

export const text = (value: string): Buffer => Buffer.from(value)
const changed = (draft: Draft, did: string, answer: Partial<Answer>, more: Partial<Draft> = {}): Draft => ({
  ...draft,
  harmless: false,
  ...more,
  answer: { ...draft.answer, ...answer },
  did: [...draft.did, did]
})

const spliced = (bytes: Buffer, from: number, to: number, put: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(to)])

// -- bodies --
const junk: ReadonlyArray<Buffer> = [
  ...[
    '<',
    '>',
    '&',
    '&#0;',
    '&#xD800;',
    '&nbsp;',
    ']]>',
    '<![CDATA[x]]>',
    '<!-- x -->',
    '<?x y?>',
    '</a>',
    '<a/>'
  ],
  ...[
    '<!DOCTYPE a [<!ENTITY b "c">]>',
    '\0',
    '\u{FFFF}',
    '%',
    '%zz',
    '%00',
    'NaN',
    '-1',
    '1e999',
    '0x10',
    ' '
  ],
  ...['99999999999999999999', '\r\n', '<Error><Code>InternalError</Code></Error>', '<Contents></Contents>'],
  '<a>'.repeat(1000),
  'x'.repeat(20_000)
]
  .map(text)
  .concat([Buffer.of(0xff, 0xfe), Buffer.of(0xe4, 0xb8), Buffer.of(0xed, 0xa0, 0x80)])

const elements = (body: string): ReadonlyArray<RegExpExecArray> => [
  ...body.matchAll(/<([A-Za-z]+)>([^<]*)<\/\1>/g)
]

const bodies: ReadonlyArray<Mutation> = [
  (draft, chance) => {
    const body = Buffer.from(draft.answer.body)
    for (let times = chance.below(4); times >= 0 && body.length > 0; times -= 1) {
      body[chance.below(body.length)] = chance.below(256)
    }
    return changed(draft, 'bytes flipped', { body })
  },
  (draft, chance) => {
    const { body } = draft.answer
    const from = chance.below(body.length + 1)
    return changed(draft, 'bytes left out', {
      body: spliced(body, from, from + 1 + chance.below(40), text(''))
    })
  },
  (draft, chance) => {
    const { body } = draft.answer
    const from = chance.below(body.length + 1)
    const again = body.subarray(from, from + 1 + chance.below(200))
    return changed(draft, 'bytes said twice', { body: spliced(body, from, from, again) })
  },
  (draft, chance) => {
    const { body } = draft.answer
    const at = chance.below(body.length + 1)
    return changed(draft, 'junk put in', { body: spliced(body, at, at, chance.of(junk)) })
  },
  (draft, chance) => {
    const body = String(draft.answer.body)
    const found = elements(body)
    if (found.length === 0) return changed(draft, 'empty', { body: text('') })
    const { 0: element, 1: name = '', index } = chance.of(found)
    const put = chance.of([
      ...['', `${element}${element}`, `<${name}/>`, `<${name.toLowerCase()}>1</${name.toLowerCase()}>`],
      `<${name} a="b">x</${name}>`,
      `<${name}>${String(chance.of(junk))}</${name}>`,
      `<${name}>${chance.of(['-1', 'TRUE', ' 7 ', '2024-02-31T99:00:00Z', '&quot;&amp;&#65;', '%41%'])}</${name}>`
    ])
    return changed(draft, `element ${name} replaced`, {
      body: text(body.slice(0, index) + put + body.slice(index + element.length))
    })
  },
  (draft, chance) => {
    const body = String(draft.answer.body)
    const root = /<([A-Za-z]+)/.exec(body)?.[1] ?? 'x'
    return changed(draft, 'another root', {
      body: text(
        body.replaceAll(new RegExp(`(</?)${root}\\b`, 'g'), `$1${chance.of(['Error', 'html', 'X'])}`)
      )
    })
  },
  (draft, chance) => {
    const { body } = draft.answer
    const at = chance.below(body.length)
    return changed(draft, 'the end left out', { body: body.subarray(0, at) }, { cut: true })
  },
  (draft, chance, { name }) => {
    if (name !== 'selectObjectContent') return changed(draft, 'empty', { body: text('') })
    const all = [...frames()]
    for (let times = chance.below(3); times >= 0; times -= 1) {
      const at = chance.below(all.length)
      const [frame = text('')] = all.splice(at, 1)
      if (chance.often(0.5)) all.splice(chance.below(all.length + 1), 0, frame, frame)
    }
    return changed(draft, 'frames shuffled', { body: Buffer.concat(all) })
  }
]

const foreign: ReadonlyArray<Mutation> = [
  (draft, chance) =>
    changed(draft, 'a page', {
      status: chance.of([200, 200, 403, 404, 502, 503]),
      headers: [['Content-Type', 'text/html']],
      body: text(
        `<!DOCTYPE html><html><body>${'<p>Bad gateway<br>'.repeat(chance.of([1, 1, 5000]))}</body></html>`
      )
    }),
  (draft, chance) =>
    changed(draft, 'JSON', {
      status: chance.of([200, 400, 500]),
      headers: [['Content-Type', 'application/json']],
      body: text(
        chance.of(['{"code":-1,"message":"no"}', '{}', '[1,', 'null', '{"Code":"X","RequestId":"r"}'])
      )
    }),
  (draft, chance) =>
    changed(draft, 'nothing', { status: chance.of([200, 204, 404, 500, 503]), body: text('') }),
  (draft, chance) => changed(draft, "another operation's answer", chance.of(subjects).truth),
  (draft, chance) =>
    changed(
      draft,
      'a refusal',
      xml(
        `<Error><Code>${chance.of(['NoSuchKey', 'InternalError', 'RequestTimeTooSkewed', 'AccessDenied', ''])}</Code><Message>m</Message><Resource>r</Resource><RequestId>i</RequestId><TraceId>t</TraceId></Error>`,
        chance.of([200, 403, 404, 409, 412, 500, 503])
      )
    ),
  (draft) =>
    changed(draft, 'gzip', {
      headers: [...draft.answer.headers, ['Content-Encoding', 'gzip']],
      body: gzipSync(draft.answer.body)
    })
]

// -- heads --
const odd = [
  '',
  ' ',
  '0',
  '-1',
  'NaN',
  '18446744073709551616',
  '1e3',
  'x, y',
  '"',
  'null',
  '\u00e9',
  'a\tb',
  'bytes */9'
]

const heads: ReadonlyArray<Mutation> = [
  (draft, chance) => {
    const gone = chance.of(draft.answer.headers)
    return changed(draft, `no ${gone[0]}`, { headers: draft.answer.headers.filter((one) => one !== gone) })
  },
  (draft, chance) => {
    const other = chance.of(draft.answer.headers)
    const value = chance.of([...odd, 'y'.repeat(chance.of([300, 9000, 40_000]))])
    return changed(draft, `another ${other[0]}`, {
      headers: draft.answer.headers.map((one) => (one === other ? [one[0], value] : one))
    })
  },
  (draft, chance) => {
    const twice = chance.of(draft.answer.headers)
    const value = chance.often(0.5) ? twice[1] : chance.of(odd)
    return changed(draft, `${twice[0]} twice`, { headers: [...draft.answer.headers, [twice[0], value]] })
  },
  (draft, chance) => {
    const more = chance.of<readonly [string, string]>([
      ...(
        [
          'a b',
          'a\0b',
          '',
          'Content-Range',
          'Content-Length',
          '__proto__',
          'x-cos-meta-',
          'Location'
        ] as const
      ).map((name) => [name, chance.of(odd)] as const),
      ['Trailer', 'x'],
      ['Connection', 'close'],
      ['Content-Range', 'bytes 0-8/9'],
      ['Content-Range', 'bytes 2-5/*'],
      ['x-cos-hash-crc64ecma', '1'],
      ['Transfer-Encoding', 'gzip']
    ])
    return changed(draft, `also ${more[0]}`, { headers: [...draft.answer.headers, more] })
  },
  (draft, chance) =>
    changed(draft, 'another status', {
      status: chance.of([
        100, 101, 103, 199, 200, 201, 204, 205, 206, 299, 301, 302, 304, 307, 400, 404, 416, 429, 500, 503,
        599, 600, 999
      ])
    })
]

// -- what says the same --
const harmless: ReadonlyArray<Mutation> = [
  (draft) => draft,
  (draft) => ({
    ...draft,
    answer: { ...draft.answer, headers: [...draft.answer.headers, ['x-unknown', 'x']] },
    did: [...draft.did, 'a header more']
  }),
  (draft, chance, { root }) => {
    if (root === undefined) return draft
    const body = String(draft.answer.body)
    const put: ReadonlyArray<string> = [
      body.slice(body.indexOf('\n') + 1),
      `\ufeff${body}`,
      `${' \r\n'.repeat(1 + chance.below(50))}${body}`,
      `${body}\n `,
      body.replace(`</${root}>`, `<Unknown><Deep>1</Deep></Unknown></${root}>`),
      body.replace(`</${root}>`, `<!-- said twice --></${root}>`),
      body.replace(`<${root}>`, `<${root} xmlns="http://www.qcloud.com/document/product/436/7751">`),
      body.replaceAll('&quot;', '&#34;')
    ]
    return {
      ...draft,
      answer: { ...draft.answer, body: text(chance.of(put)) },
      did: [...draft.did, 'other XML of the same meaning']
    }
  }
]

/** An answer of one meaning with the true one, or of another. */
export const mutated = (subject: Subject, chance: Chance): Draft => {
  const start: Draft = { answer: subject.truth, harmless: true, cut: false, did: [] }
  const kind = chance.below(10)
  if (kind < 2) return chance.of(harmless)(start, chance, subject)
  let draft = start
  const kinds =
    kind < 5 ? bodies : kind < 8 ? heads : kind === 8 ? foreign : [...bodies, ...heads, ...foreign]
  for (let times = chance.of([1, 1, 1, 2, 3]); times > 0; times -= 1) {
    // A page may have brought no headers that could be changed.
    draft = chance.of(draft.answer.headers.length === 0 ? bodies : kinds)(draft, chance, subject)
  }
  return draft
}
