import { build, type Metafile } from 'esbuild'
import { fileURLToPath } from 'node:url'

export interface Bundle {
  readonly code: string
  /** Modules of Node that are imported, and by which file. */
  readonly fromNode: readonly string[]
}

/** Bundles as the tools for Workers do: for no platform, so that a module of Node is an error. */
export async function bundle(
  entry: { readonly file: string } | { readonly contents: string; readonly folder: string },
): Promise<Bundle> {
  const result = await build({
    ...('file' in entry
      ? { entryPoints: [fileURLToPath(new URL(entry.file, import.meta.url))] }
      : { stdin: { contents: entry.contents, resolveDir: entry.folder, loader: 'ts' } }),
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    mainFields: ['browser', 'module', 'main'],
    // To be counted, and not to fail with.
    external: ['node:*'],
    logLevel: 'silent',
  })
  return { code: result.outputFiles[0]?.text ?? '', fromNode: fromNode(result.metafile) }
}

function fromNode({ inputs }: Metafile): string[] {
  return Object.entries(inputs).flatMap(([file, { imports }]) =>
    imports.filter(({ external }) => external === true).map(({ path }) => `${path} from ${file}`),
  )
}
