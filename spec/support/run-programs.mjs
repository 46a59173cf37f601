/**
 * Runs compiled specs, some at a time, and prints the result of each and their sum.
 *
 * tap's runner parses and draws each assertion of its processes: spec/core, with 4,700 of them, took 33 s of CPU by it, and 18
 * without (Node 20.20, tap 21.7, a loaded machine). Here a process prints its TAP into a file, and the failures are copied
 * from there.
 */
import { spawn } from 'node:child_process'
import { createWriteStream, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import process from 'node:process'
import { finished } from 'node:stream/promises'
import { sourcePositions } from './source-positions.mjs'

/** The failed assertions of a TAP stream, each with the tests around it and its diagnostics. */
const failuresOf = (tap) => {
  const printed = []
  const titles = []
  let isDiagnostic = false
  for (const line of tap.split('\n')) {
    const depth = line.search(/\S/)
    const title = /^\s*# Subtest: (.*)$/.exec(line)
    if (title !== null) titles[depth / 4] = line
    if (/^\s*not ok /.test(line)) {
      printed.push(...titles.slice(0, depth / 4).filter((each) => !printed.includes(each)), line)
      isDiagnostic = true
    } else if (/^\s*(?:ok |# |\d+\.\.)/.test(line)) isDiagnostic = false
    else if (isDiagnostic) printed.push(line)
  }
  return printed.join('\n')
}

/** The numbers of the line that ends a TAP stream of tap's: `# { total: 12, pass: 11, fail: 1 }`. */
const countsOf = (tap) => {
  const last = tap.match(/^# \{ total: .*\}$/gm)?.at(-1) ?? ''
  const count = (name) => Number(new RegExp(`${name}: (\\d+)`).exec(last)?.[1] ?? 0)
  return { total: count('total'), failed: count('fail') }
}

const runProgram = async ({ name, path }, { args, cwd, env, output }) => {
  const start = performance.now()
  const file = join(output, `${name}.tap`)
  const sink = createWriteStream(file)
  const child = spawn(process.execPath, [...args, path], { cwd, env, stdio: ['ignore', 'pipe', 'inherit'] })
  child.stdout.pipe(sink)
  const [code, signal] = await new Promise((resolve) => child.on('close', (...ended) => resolve(ended)))
  await finished(sink)
  const tap = readFileSync(file, 'utf8')
  const counts = countsOf(tap)
  return {
    ...counts,
    isOk: code === 0 && counts.total > 0 && counts.failed === 0,
    seconds: ((performance.now() - start) / 1000).toFixed(1),
    // A process that was killed leaves a stream without its end, and maybe without a failure.
    details: [
      sourcePositions(cwd)(failuresOf(tap)),
      signal === null ? '' : `  ended by ${signal}`,
      `  ${file}`
    ].join('\n')
  }
}

/** True if all passed. The programs start in their order, `concurrency` of them at a time. */
export const runPrograms = async (programs, { concurrency, ...options }) => {
  rmSync(options.output, { recursive: true, force: true })
  mkdirSync(options.output, { recursive: true })
  const results = []
  const rest = programs.values()
  const runRest = async () => {
    for (const program of rest) {
      const result = await runProgram(program, options)
      results.push(result)
      const line = `${String(results.length)} - ${program.name} # ${String(result.total)} assertions, ${result.seconds} s`
      console.log(result.isOk ? `ok ${line}` : `not ok ${line}\n${result.details}`)
    }
  }
  console.log('TAP version 14')
  await Promise.all(Array.from({ length: concurrency }, runRest))
  const sum = (of) => results.reduce((total, result) => total + of(result), 0)
  const failed = sum((result) => (result.isOk ? 0 : 1))
  const assertions = `${String(sum((result) => result.total))}, of which ${String(sum((result) => result.failed))} failed`
  console.log(`1..${String(programs.length)}\n# assertions ${assertions}`)
  console.log(
    `# tests ${String(programs.length)}\n# pass ${String(programs.length - failed)}\n# fail ${String(failed)}`
  )
  return failed === 0
}
