/**
 * Turns the READMEs into specs. Each `ts` fence of README.md becomes spec/readme/N.spec.ts, and each of
 * lib/x/README.md becomes spec/readme/lib-x-N.spec.ts; tsc checks it and tap runs it. A statement followed by
 * `// => y` becomes `same(x, y)`.
 *
 *     ```ts            checked and run
 *     ```ts no-run     checked only, for examples that need a bucket or a browser
 *     ```ts continued  checked and run after the code of the fence before it, in one spec
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { compareFiles } from './changed-files.mjs'

const top = resolve(import.meta.dirname, '../..')

const entries = {
  cospipe: '../../lib/index.js',
  'cospipe/emulator': '../../lib/emulator/index.js',
  'cospipe/testing': '../../lib/testing/index.js'
}

/** The `ts` fences of a page: code, first line, and the words after `ts`. */
const fences = (markdown) => {
  const found = []
  let open
  for (const [index, line] of markdown.split(/\r?\n/).entries()) {
    const edge = /^(\s*)(`{3,}|~{3,})\s*(.*)$/.exec(line)
    if (open === undefined) {
      if (edge === null) continue
      const [language, ...words] = edge[3].trim().split(/\s+/)
      open = { mark: edge[2], indent: edge[1].length, language, words, line: index + 2, code: [] }
    } else if (edge !== null && edge[2].startsWith(open.mark) && edge[3] === '') {
      found.push({ ...open, code: open.code.join('\n') })
      open = undefined
    } else {
      open.code.push(line.slice(Math.min(open.indent, line.length - line.trimStart().length)))
    }
  }
  return found.filter(({ language }) => language === 'ts')
}

/** One fence as a module: imports point to the sources, `// =>` is an assertion, and every declaration is exported. */
const toSpec = (ts, code, name) => {
  const file = ts.createSourceFile(`${name}.ts`, code, ts.ScriptTarget.Latest, true)
  const edits = []
  const declared = { values: [], types: [] }

  const visit = (node) => {
    if (
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
      node.moduleSpecifier !== undefined
    ) {
      const entry = entries[node.moduleSpecifier.text]
      if (entry !== undefined)
        edits.push([node.moduleSpecifier.getStart(), node.moduleSpecifier.end, `'${entry}'`])
    }
    const [comment] = ts.getTrailingCommentRanges(code, node.end) ?? []
    const arrow = comment && /^\/\/ => (.+)$/.exec(code.slice(comment.pos, comment.end).trimEnd())
    if (arrow && ts.isExpressionStatement(node)) {
      edits.push([node.getStart(), comment.end, `tap.same(${node.expression.getText()}, ${arrow[1]})`])
      return
    }
    if (arrow && ts.isVariableStatement(node)) {
      const names = node.declarationList.declarations.map(({ name }) => name.getText())
      edits.push([node.end, comment.end, `; tap.same(${names.at(-1)}, ${arrow[1]})`])
    }
    ts.forEachChild(node, visit)
  }
  visit(file)

  for (const statement of file.statements) {
    if (ts.getCombinedModifierFlags(statement) & ts.ModifierFlags.Export) continue
    if (ts.isVariableStatement(statement)) {
      const collect = ({ name }) =>
        ts.isIdentifier(name)
          ? declared.values.push(name.text)
          : name.elements.filter(ts.isBindingElement).forEach(collect)
      statement.declarationList.declarations.forEach(collect)
    } else if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) {
      if (statement.name && statement.body !== null) declared.values.push(statement.name.text)
    } else if (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) {
      declared.types.push(statement.name.text)
    }
  }

  let out = code
  for (const [from, to, text] of edits.sort(([a], [b]) => b - a))
    out = out.slice(0, from) + text + out.slice(to)

  return [
    `// Written by spec/support/readme.mjs from ${name}. Edits here are lost.`,
    `import tap from 'tap'`,
    out,
    // Exported, because tsc rejects unused declarations and an example may have some.
    `export { ${[...new Set(declared.values)].join(', ')} }`,
    `export type { ${[...new Set(declared.types)].join(', ')} }`,
    `tap.pass(${JSON.stringify(`${name} runs to its end`)})`,
    // An example leaves its client open for the next one; a spec has to end.
    ...['client', 'emulator']
      .filter((name) => declared.values.includes(name))
      .map((name) => `await ${name}.close()`),
    ''
  ].join('\n')
}

/** Writes the fences of a page as `{prefix}N.spec.ts`. */
const writePage = (ts, page, prefix, folder) => {
  const all = fences(readFileSync(resolve(top, page), 'utf8'))
  let before = ''
  for (const [index, { code, line, words }] of all.entries()) {
    const whole = words.includes('continued') ? `${before}\n${code}` : code
    before = whole
    // The next fence repeats this one.
    if (all[index + 1]?.words.includes('continued')) continue
    const ending = words.includes('no-run') ? 'ts' : 'spec.ts'
    writeFileSync(
      resolve(folder, `${prefix}${index + 1}.${ending}`),
      toSpec(ts, whole, `${page}, to line ${line}`)
    )
  }
}

/** The READMEs of lib, by path from the top. */
const pagesOfLib = () =>
  readdirSync(resolve(top, 'lib'), { recursive: true })
    .map((path) => join('lib', path).replaceAll('\\', '/'))
    .filter((path) => path.endsWith('/README.md'))

/** Writes the examples of README.md and of lib/x/README.md to spec/readme, if a page has changed. */
export const writeExamples = async () => {
  const folder = resolve(top, 'spec/readme')
  const pages = ['README.md', ...pagesOfLib()]
  const pathOf = (page) => resolve(top, page)
  const { changed, isSmaller, save } = compareFiles(join(folder, '.pages.json'), pages.map(pathOf), [
    import.meta.filename
  ])
  if (changed.length === 0 && !isSmaller) return
  // It takes a second to load.
  const { default: ts } = await import('typescript')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const page of pages)
    writePage(ts, page, page === 'README.md' ? '' : `${dirname(page).replaceAll('/', '-')}-`, folder)
  save()
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await writeExamples()
