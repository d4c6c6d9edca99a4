import { execFile } from 'node:child_process'
import { build } from 'esbuild'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** What plain Node loads for a reader of a wire format: measured, not read from the sources. */
const packages = ['core', 'openai', 'anthropic', 'google']
const root = join(import.meta.dirname, '../../..')
let folder: string

interface Manifest {
  readonly exports: Readonly<Record<string, string>>
  readonly publishConfig: { readonly exports: unknown }
  readonly tsup: { readonly entry: readonly string[] }
}

const manifestOf = (name: string) =>
  JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')) as Manifest

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'token-meter-wire-')))
  for (const name of packages) {
    const { publishConfig, tsup } = manifestOf(name)
    const built = join(folder, 'node_modules/@token-meter', name)
    mkdirSync(built, { recursive: true })
    const manifest = { name: `@token-meter/${name}`, type: 'module', ...publishConfig }
    writeFileSync(join(built, 'package.json'), JSON.stringify(manifest))
    await build({
      absWorkingDir: join(root, 'packages', name),
      entryPoints: [...tsup.entry],
      outdir: join(built, 'dist'),
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      packages: 'external',
    })
  }
}, 60_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The files that a process has loaded that does nothing but import, by V8's own account. */
async function loadedFor(specifier: string): Promise<readonly string[]> {
  const coverage = mkdtempSync(join(folder, 'coverage-'))
  const program = ['--input-type=module', '-e', `await import('${specifier}')`]
  const env = { ...process.env, NODE_V8_COVERAGE: coverage, NODE_OPTIONS: '' }
  await promisify(execFile)(process.execPath, program, { cwd: folder, env })
  const urls = readdirSync(coverage).flatMap((file) => {
    const { result } = JSON.parse(readFileSync(join(coverage, file), 'utf8')) as {
      result: readonly { readonly url: string }[]
    }
    return result.map(({ url }) => url)
  })
  const files = urls.filter((url) => url.startsWith('file:') && !url.endsWith('[eval1]'))
  return files.map((url) => fileURLToPath(url))
}

const entries = packages.flatMap((name) =>
  Object.keys(manifestOf(name).exports)
    .filter((entry) => entry.startsWith('./wire'))
    .map((entry) => [`@token-meter/${name}${entry.slice(1)}`, name] as const),
)

/**
 * Unminified and gzipped, in bytes: of jobs and sockets, which have entries of their own, more. What is
 * released is some 3 % less, since it is built with Rollup's tree shaking.
 */
const most = { apart: [110_500, 29_000], wire: [101_000, 27_000] } as const

describe.each(entries)('%s', (specifier, name) => {
  test('loads core/wire and itself, and no more than it needs', async () => {
    const files = await loadedFor(specifier)
    const own = files.map((file) => relative(join(folder, 'node_modules/@token-meter'), file))
    const isOwn = (file: string) =>
      file.startsWith(`${name}/dist/`) || file.startsWith('core/dist/')
    expect(own.length).toBeGreaterThan(0)
    expect(own.filter((file) => !isOwn(file))).toEqual([])
    const text = files.map((file) => readFileSync(file, 'utf8')).join('\n')
    // Of core's: nothing that observes, keeps or delivers.
    for (const forbidden of [
      'class ObservedCall',
      'class RequestContext',
      'DatabaseSync',
      'p-retry',
    ]) {
      expect(text).not.toContain(forbidden)
    }
    const [bytes, gzipped] = specifier.endsWith('/wire') ? most.wire : most.apart
    expect(text.length).toBeLessThan(bytes)
    expect(gzipSync(text).length).toBeLessThan(gzipped)
  })
})

test('openai has one, and readers of jobs and of sockets beside it', () => {
  const specifiers = entries.map(([specifier]) => specifier)
  expect(specifiers).toContain('@token-meter/openai/wire')
  expect(specifiers).toContain('@token-meter/openai/wire/jobs')
  expect(specifiers).toContain('@token-meter/openai/wire/realtime')
})

test.each(['openai', 'anthropic', 'google'])('%s/wire is made of wire/ alone', async (name) => {
  const { metafile } = await build({
    entryPoints: [join(root, 'packages', name, 'src/wire.ts')],
    absWorkingDir: join(root, 'packages'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    treeShaking: false,
    metafile: true,
    write: false,
  })
  const own = new RegExp(`^(?:${name}/src/wire[./]|core/src/(?:wire[./]|usage/|lib/))`)
  expect(Object.keys(metafile.inputs).filter((file) => !own.test(file))).toEqual([])
})
