import { join } from 'node:path'
import { build } from 'esbuild'
import type { OutboxPlace } from './crash-outbox.ts'

/**
 * Bundles the worker for one kind of outbox, as its hundreds of starts would take most of a run
 * otherwise. The answer is the path of its script.
 */
export async function bundleWorker(folder: string, kind: OutboxPlace['kind']): Promise<string> {
  await build({
    entryPoints: ['worker.ts', 'ambush-thread.ts'].map((name) => join(import.meta.dirname, name)),
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // What a role does not need is not loaded.
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    external: kind === 'sqlite' ? ['@token-meter/postgres'] : ['pg-native'],
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)",
    },
  })
  return join(folder, 'worker.mjs')
}
