import { join } from 'node:path'
import { build } from 'esbuild'

/**
 * Bundles the worker, as its hundreds of starts would take most of a run otherwise. The answer is
 * the path of its script.
 */
export async function bundleWorker(folder: string): Promise<string> {
  await build({
    entryPoints: [join(import.meta.dirname, 'worker.ts')],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // What a role does not need is not loaded.
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    external: ['pg-native'],
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)",
    },
  })
  return join(folder, 'worker.mjs')
}
