import { build } from 'esbuild'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const packages = join(import.meta.dirname, '../../..')

export interface StagedEntry {
  /** As an application imports it: `@token-meter/core/sqlite`. */
  readonly specifier: string
  /** The SDKs that it is made for, which an application has loaded as a rule. */
  readonly sdks: readonly string[]
}

/** An application's folder into which the packages are built as they are published. */
export interface StagedPackages extends Disposable {
  readonly folder: string
  readonly entries: readonly StagedEntry[]
  /** A copy of this script that imports as the application does. */
  script(path: string): string
}

interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
  readonly publishConfig: { readonly exports: Readonly<Record<string, unknown>> }
  /** The first of several has every entry. */
  readonly tsup: TsupOptions | readonly [TsupOptions, ...TsupOptions[]]
}

interface TsupOptions {
  readonly entry: readonly string[]
}

/** Builds them anew with esbuild, which is what tsup uses, so that no `dist` has to be there. */
export async function stagePackages(): Promise<StagedPackages> {
  const folder = mkdtempSync(join(tmpdir(), 'token-meter-import-'))
  const entries: StagedEntry[] = []
  for (const name of readdirSync(packages)) {
    const root = join(packages, name)
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
    if (manifest.private === true) continue
    const target = join(folder, 'node_modules', manifest.name)
    await build({
      entryPoints: [manifest.tsup].flat()[0]?.entry.map((entry) => join(root, entry)) ?? [],
      outdir: join(target, 'dist'),
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node22',
      // As in a release: what is no dependency of theirs is in them.
      external: ['@token-meter/*', ...dependenciesOf(manifest)],
    })
    const published = { ...manifest, type: 'module', exports: manifest.publishConfig.exports }
    writeFileSync(join(target, 'package.json'), JSON.stringify(published))
    for (const dependency of dependenciesOf(manifest)) link(root, folder, dependency)
    entries.push(...entriesOf(manifest))
  }
  return {
    folder,
    entries,
    script: (path) => {
      const copy = join(folder, path.slice(dirname(path).length + 1))
      copyFileSync(path, copy)
      return copy
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function dependenciesOf({ dependencies, peerDependencies }: Manifest): string[] {
  return Object.keys({ ...dependencies, ...peerDependencies }).filter(
    (name) => !name.startsWith('@token-meter/'),
  )
}

function link(root: string, folder: string, dependency: string): void {
  const place = join(folder, 'node_modules', dependency)
  if (existsSync(place)) return
  mkdirSync(dirname(place), { recursive: true })
  symlinkSync(realpathSync(join(root, 'node_modules', dependency)), place)
}

function entriesOf(manifest: Manifest): StagedEntry[] {
  const optional = manifest.peerDependenciesMeta ?? {}
  const sdks = dependenciesOf(manifest).filter((name) => optional[name]?.optional !== true)
  return Object.keys(manifest.publishConfig.exports)
    .filter((path) => path !== './package.json')
    .map((path) => ({ specifier: join(manifest.name, path), sdks: path === '.' ? sdks : [] }))
}
