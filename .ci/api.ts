/**
 * The public API of every published package as text, one report an entry, in
 * `packages/<package>/api/<entry>.api.md`: a change of the API is a diff of these.
 *
 *     pnpm api           writes the reports
 *     pnpm api --check   fails where one is not what the sources say
 *
 * A report has the declarations of an entry, and those that they reach without exporting them. Of doc
 * comments it says only where one is missing.
 */
import {
  CompilerState,
  Extractor,
  ExtractorConfig,
  ExtractorLogLevel,
} from '@microsoft/api-extractor'
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import ts from 'typescript'

interface Entry {
  /** The folder of its package, from the root. */
  readonly folder: string
  /** `index`, `wire`, ... */
  readonly name: string
}

const root = join(import.meta.dirname, '..')

/** Every entry of every package that a release publishes. */
function publicEntries(): readonly Entry[] {
  return globSync('packages/*/package.json', { cwd: root })
    .toSorted()
    .flatMap((file) => {
      const manifest = JSON.parse(readFileSync(join(root, file), 'utf8'))
      if (manifest.private === true) return []
      const sources = Object.entries<string>(manifest.exports)
        .filter(([entry]) => Object.hasOwn(manifest.publishConfig.exports, entry))
        .flatMap(([, path]) => (path.endsWith('.ts') ? path : []))
      return sources.map((path) => ({ folder: dirname(file), name: basename(path, '.ts') }))
    })
}

/** In the package, where its declarations find the SDKs that it imports. */
function declarationOf(source: string): string {
  const [, folder, path] = /^(packages\/[^/]+)\/src\/(.*)\.ts$/.exec(relative(root, source))!
  return join(root, folder!, '.api', `${path}.d.ts`)
}

/** What api-extractor reads. A release makes its own, by tsup. */
function writeDeclarations(entries: readonly Entry[]): void {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [] }, ts.sys, root)
  const program = ts.createProgram({
    rootNames: entries.map(({ folder, name }) => join(root, folder, `src/${name}.ts`)),
    options: { ...options, noEmit: false, declaration: true, emitDeclarationOnly: true },
  })
  program.emit(undefined, (_path, text, _mark, _onError, sources) => {
    const file = declarationOf(sources![0]!.fileName)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  })
}

const silent = { default: { logLevel: ExtractorLogLevel.None } }

function configOf({ folder, name }: Entry): ExtractorConfig {
  return ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(root, folder, 'package.json'),
    configObject: {
      projectFolder: join(root, folder),
      mainEntryPointFilePath: declarationOf(join(root, folder, `src/${name}.ts`)),
      compiler: { tsconfigFilePath: join(root, 'tsconfig.base.json') },
      newlineKind: 'lf',
      apiReport: {
        enabled: true,
        includeForgottenExports: true,
        reportFileName: `${name}.api.md`,
        reportFolder: '<projectFolder>/api',
        reportTempFolder: '<projectFolder>/.api/reports',
      },
      // The compiler has spoken in `pnpm typecheck`, and comments here are plain text.
      messages: {
        compilerMessageReporting: silent,
        extractorMessageReporting: silent,
        tsdocMessageReporting: silent,
      },
    },
  })
}

/** Writes the reports, or only compares them. Returns those that were not up to date. */
function report(entries: readonly Entry[], isCheck: boolean): readonly string[] {
  const configs = entries.map(configOf)
  const compilerState = CompilerState.create(configs[0]!, {
    additionalEntryPoints: configs.map((config) => config.mainEntryPointFilePath),
  })
  const changed = configs.filter((config) => {
    mkdirSync(dirname(config.reportFilePath), { recursive: true })
    return Extractor.invoke(config, {
      compilerState,
      localBuild: !isCheck,
      messageCallback: (message) => void (message.handled = true),
    }).apiReportChanged
  })
  const current = configs.map((config) => config.reportFilePath)
  const written = globSync('packages/*/api/*.api.md', { cwd: root }).map((file) => join(root, file))
  const left = written.filter((file) => !current.includes(file))
  if (!isCheck) for (const file of left) rmSync(file)
  return [...changed.map((config) => config.reportFilePath), ...left]
}

const { check: isCheck } = parseArgs({
  options: { check: { type: 'boolean', default: false } },
}).values
const entries = publicEntries()
try {
  writeDeclarations(entries)
  const changed = report(entries, isCheck).map((file) => relative(root, file))
  if (changed.length > 0) {
    console.log(`The public API is not what is reported in\n  ${changed.join('\n  ')}`)
    console.log(isCheck ? 'Run `pnpm api`, and look at the diff.' : 'They are written anew.')
    if (isCheck) process.exitCode = 1
  }
} finally {
  for (const folder of new Set(entries.map((entry) => entry.folder)))
    rmSync(join(root, folder, '.api'), { recursive: true, force: true })
}
