import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { describe, expect, test } from 'vitest'

const packages = join(import.meta.dirname, '../..')

/** All that Node loads for `@token-meter/<name>/wire`: as it is published, not minified, nothing left out. */
async function loaded(name: string) {
  const { metafile, outputFiles } = await build({
    entryPoints: [join(packages, name, 'src/wire.ts')],
    absWorkingDir: packages,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    treeShaking: false,
    metafile: true,
    write: false,
  })
  const bytes = outputFiles[0]!.contents
  return { files: Object.keys(metafile.inputs), bytes: bytes.length, gzip: gzipSync(bytes).length }
}

/** Of its size, in kB: what a gateway or a wrapper of `fetch` pays for a reader. */
const limits = [
  ['anthropic', 70, 20],
  ['google', 70, 20],
] as const

describe.each(limits)('@token-meter/%s/wire', (name, kilobytes, zipped) => {
  test('loads the readers of wire formats and itself: no SDK, no outbox, nothing that runs', async () => {
    const { files } = await loaded(name)
    const own = new RegExp(`^(?:${name}/src/wire[./]|core/src/(?:wire[./]|usage/|lib/))`)
    expect(files.filter((file) => !own.test(file))).toEqual([])
  })

  test(`is at most ${kilobytes} kB, ${zipped} kB zipped`, async () => {
    const { bytes, gzip } = await loaded(name)
    expect(bytes).toBeLessThan(kilobytes * 1000)
    expect(gzip).toBeLessThan(zipped * 1000)
  })
})
