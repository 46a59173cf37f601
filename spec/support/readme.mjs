/**
 * Makes the README a spec: writes each `ts` fence of README.md out as spec/readme/N.spec.ts, where tsc checks it and
 * tap runs it. A statement with `// => y` behind it becomes `same(x, y)`.
 *
 *     ```ts            checked and run
 *     ```ts no-run     checked only, for what needs a bucket or a browser
 *     ```ts continued  checked and run behind the fence before it, in one spec with it
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import ts from 'typescript'

const top = resolve(import.meta.dirname, '../..')

const entries = {
  cospipe: '../../lib/index.js',
  'cospipe/emulator': '../../lib/emulator/index.js'
}

/** The fences of a page, each with its code, the line it starts on, and the words behind `ts`. */
export const fences = (markdown) => {
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

/** One fence as a module: imports led to the sources, `// =>` made an assertion, and nothing left unused. */
export const toSpec = (code, name) => {
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
    // A reader's example may name what it does not go on to use; an export keeps tsc from minding.
    `export { ${[...new Set(declared.values)].join(', ')} }`,
    `export type { ${[...new Set(declared.types)].join(', ')} }`,
    `tap.pass(${JSON.stringify(`${name} runs to its end`)})`,
    // The next example goes on with what this one left open; a spec has to end.
    ...['client', 'emulator']
      .filter((name) => declared.values.includes(name))
      .map((name) => `await ${name}.close()`),
    ''
  ].join('\n')
}

export const write = (markdown, folder) => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const all = fences(markdown)
  let before = ''
  for (const [index, { code, line, words }] of all.entries()) {
    const whole = words.includes('continued') ? `${before}\n${code}` : code
    before = whole
    // The next one says it all again.
    if (all[index + 1]?.words.includes('continued')) continue
    const ending = words.includes('no-run') ? 'ts' : 'spec.ts'
    writeFileSync(resolve(folder, `${index + 1}.${ending}`), toSpec(whole, `README.md, to line ${line}`))
  }
}

/** Writes the examples of README.md to spec/readme. */
export const writeExamples = () =>
  write(readFileSync(resolve(top, 'README.md'), 'utf8'), resolve(top, 'spec/readme'))

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeExamples()
