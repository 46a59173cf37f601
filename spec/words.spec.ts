/** Names and phrases that the project has abandoned do not come back. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { top } from './support/top.js'

const filesBelow = (directory: string): ReadonlyArray<string> =>
  readdirSync(join(top, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(top, join(entry.parentPath, entry.name)))
    // Written from README.md by a script.
    .filter((path) => !path.startsWith('spec/readme/') && path !== 'spec/words.spec.ts')
    .filter((path) => !path.includes('node_modules/'))

const all = ['lib', 'spec', 'bench'].flatMap(filesBelow)
const scripts = all.filter((path) => path.endsWith('.ts'))
const prose = [
  ...all.filter((path) => /\.(ts|mjs|md)$/.test(path)),
  ...['README.md', '.github/CONTRIBUTING.md', '.ci/packed.mjs', '.config/layers.mjs', '.taprc']
]

// -- file names --

const oldFiles = new RegExp(
  [
    'lib/(effects|operations/answers)/',
    'lib/transfers/[^/]+[.]ts',
    '/(workplace|lodging|footing|owner|draft|draft-ranges|tidily|working|transferring|streaming|metering)',
    '/(if-there|deleting|sweep-uploads|heeding|leaving|in-parallel|memory|measure-bytes|paging|as-readable)',
    '/(expecting|deadline|watched|stored|storing|afterwards|requesting|judging)',
    '/(exchange|refusal|receive|house|asking|refused|refusals|showing|truth|subjects|ceiling|coming-true)',
    '/(promptly|downloading|garbage|owners|probe)',
    'lib/emulator/(call|answer|access|send)',
    'lib/stages/(reading|body)',
    'lib/client/bandwidth',
    'bench/demo/(place|input|watch|problem)',
    'spec/(judges|effects|requests)/'
  ]
    .map((name) => (/[/\]]$|ts$/.test(name) ? name : `${name}(\\.spec)?\\.ts$`))
    .join('|')
)

t.test('no file has an abandoned name', async (t) => {
  t.same(
    scripts.filter((path) => oldFiles.test(path)),
    []
  )
})

t.test('transfers has folders at its top, and no file but its README', async (t) => {
  const entries = readdirSync(join(top, 'lib/transfers'), { withFileTypes: true })
  t.same(
    entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name),
    ['README.md']
  )
})

// -- identifiers --

const oldNames = new Set([
  ...['Workplace', 'Lodging', 'Lodge', 'lodge', 'isLodged', 'Footing', 'findFooting', 'makeWay', 'ownName'],
  ...[
    'isOwnName',
    'Claim',
    'claiming',
    'Visit',
    'visiting',
    'untilTheyLeft',
    'Draft',
    'openDraft',
    'goingOn'
  ],
  ...['Filling', 'Filled', 'touching', 'replacing', 'careful', 'tidily', 'NotTransferred'],
  ...['transferring', 'Streaming', 'streamIn', 'failingStream', 'Metering', 'metering', 'unending'],
  ...['headIfThere', 'unfinished', 'Unfinished', 'PartThere', 'wonBefore', 'trailing'],
  ...['ToDelete', 'sweepUploads', 'SweptUpload', 'heeding', 'leavable', 'Leavable', 'readerLeft'],
  ...['inParallel', 'Lease', 'NoLease', 'createBudget', 'Announced', 'measuring', 'circling', 'fruitless'],
  ...['expecting', 'unlessAborted', 'Paces', 'holdBack', 'letGo', 'announcedBytes', 'performing'],
  ...['unfitFor', 'isWorthAnother', 'waitAfter', 'onceMore', 'isSkewed', 'judged', 'judging', 'agreeing'],
  ...[
    'refusing',
    'doneBefore',
    'discreet',
    'collapses',
    'allowCollapsingKey',
    'Watched',
    'Stored',
    'Storing'
  ],
  ...['Afterwards', 'Requesting', 'CosFailure', 'describe', 'startMeter', 'createMeter', 'Meter', 'metered'],
  ...['meteredBytes', 'cutting', 'hashing', 'fetching', 'verifying', 'asReadable', 'PlannedRange'],
  ...['EncryptionEcho', 'Copying', 'DownloadedFile', 'SavedFile'],
  ...[
    'UploadedEntry',
    'partsInFlight',
    'filesInFlight',
    'objectsInFlight',
    'House',
    'Surroundings',
    'furnish'
  ],
  ...[
    'discreetly',
    'FalseAnswer',
    'falseAnswer',
    'retelling',
    'liking',
    'judgeText',
    'judgeTokens',
    'calling'
  ],
  ...['combineAllCrc', 'asking', 'comingTrue', 'promptly']
])

const mayHaveOldName = new RegExp(`\\b(${[...oldNames].join('|')})\\b`)

const identifiersOf = (path: string): ReadonlySet<string> => {
  const source = readFileSync(join(top, path), 'utf8')
  // Parsing all files takes seconds.
  if (!mayHaveOldName.test(source)) return new Set()
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest)
  const names = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) names.add(node.text)
    ts.forEachChild(node, visit)
  }
  visit(file)
  return names
}

t.test('no identifier is an abandoned name', async (t) => {
  const found = scripts.flatMap((path) =>
    [...identifiersOf(path)].filter((name) => oldNames.has(name)).map((name) => `${path}: ${name}`)
  )
  t.same(found, [])
})

// -- phrases --

const phrases = [
  'unless said',
  'none where',
  'gone on with',
  'goes on where',
  'going on with',
  'go on with',
  'whoever',
  'lest',
  'befalls?',
  'at work',
  'of its own',
  'of their own',
  'behind the back',
  'tidily',
  'lodg(e|es|ed|ing)',
  'footing',
  'heed(s|ing)?',
  'workplace',
  'for who',
  'to who',
  'fares?',
  'begun anew',
  'begins anew',
  'should be left out',
  'has no use for',
  'vouch(es)? for',
  'the house',
  'left out:',
  'sets? right',
  'nobody hears'
].map((phrase) => new RegExp(`(?<![-\\w.'])${phrase}(?![-\\w'])`, 'i'))

t.test('no text uses a phrase that is hard to read in a second language', async (t) => {
  const found = prose.flatMap((path) =>
    readFileSync(join(top, path), 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        phrases
          .filter((phrase) => phrase.test(line))
          .map((phrase) => `${path}:${String(index + 1)}: ${phrase.exec(line)?.[0] ?? ''}`)
      )
  )
  t.same(found, [])
})
