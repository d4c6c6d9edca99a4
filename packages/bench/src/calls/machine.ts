import { readFile } from 'node:fs/promises'
import { cpus, loadavg, totalmem } from 'node:os'
import type { SdkTitles } from './call-table.ts'

const modules = new URL('../../node_modules/', import.meta.url)

/** The SDKs as they are installed. */
export async function sdkTitles(): Promise<SdkTitles> {
  const title = async (folder: string): Promise<string> => {
    const text = await readFile(new URL(`${folder}/package.json`, modules), 'utf8')
    const { name, version } = JSON.parse(text) as { name: string; version: string }
    return `${name} ${version}`
  }
  return {
    openai7: await title('openai'),
    openai6: await title('openai6'),
    anthropic: await title('@anthropic-ai/sdk'),
    genai: await title('@google/genai'),
  }
}

/** When and on what: `2026-11-21, 2 x Xeon, 24 GB, linux x64, Node 26.10.0, load 0.31`. */
export function machineLine(): string {
  const [cpu] = cpus()
  return [
    new Date().toISOString().slice(0, 10),
    `${cpus().length} x ${cpu?.model.trim() ?? 'an unknown CPU'}`,
    `${Math.round(totalmem() / 2 ** 30)} GB`,
    `${process.platform} ${process.arch}`,
    `Node ${process.versions.node}`,
    // What else was running: above the number of CPUs the figures are not worth much.
    `load ${loadavg()[0]?.toFixed(2) ?? 'unknown'}`,
  ].join(', ')
}
