import t from 'tap'
import { similarName } from '../../lib/core/similar-name.js'

const known = [
  'acl',
  'storageClass',
  'contentType',
  'contentMd5',
  'key',
  'partSize',
  'concurrency',
  'grantRead'
]

t.test('similarName finds the name that differs in case, separators or a few characters', async (t) => {
  const pairs: ReadonlyArray<readonly [given: string, meant: string | undefined]> = [
    ['storageclass', 'storageClass'],
    ['StorageClass', 'storageClass'],
    ['storage_class', 'storageClass'],
    ['storage-class', 'storageClass'],
    ['strageClas', 'storageClass'],
    ['contentMD5', 'contentMd5'],
    ['ContentTyp', 'contentType'],
    ['partsize', 'partSize'],
    ['concurency', 'concurrency'],
    ['Key', 'key'],
    ['ac', 'acl'],
    ['window', undefined],
    ['partsInFlight', undefined],
    ['', undefined],
    ['x', undefined],
    ['k'.repeat(65), undefined]
  ]
  for (const [given, meant] of pairs) t.equal(similarName(given, known), meant, given)
})

t.test(
  'similarName prefers the name with the fewest differences, and finds none among no names',
  async (t) => {
    t.equal(similarName('grantRed', ['grantReadAcp', 'grantRead']), 'grantRead')
    t.equal(similarName('acl', []), undefined)
  }
)
