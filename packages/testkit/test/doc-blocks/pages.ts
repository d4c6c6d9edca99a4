import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const repository = join(import.meta.dirname, '../../../..')

/** A fenced block of a page, with its fence's indentation taken off. */
export interface Block {
  /** Relative to the repository. */
  readonly page: string
  /** Of the opening fence, from 1: the code begins one line further down. */
  readonly line: number
  readonly language: string
  readonly code: string
}

/** What a user reads, relative to the repository. */
export const pages: readonly string[] = globSync(
  ['README.md', 'docs/**/*.md', 'packages/*/README.md', 'examples/*/README.md'],
  { cwd: repository },
).toSorted()

export function blocksOfPage(page: string): Block[] {
  return blocksOf(page, readFileSync(join(repository, page), 'utf8'))
}

/**
 * The blocks of a page, in order.
 * @throws Error where a fence is not closed, so that a block does not become text.
 */
export function blocksOf(page: string, text: string): Block[] {
  const blocks: Block[] = []
  const lines = text.split('\n')
  for (let index = 0; index < lines.length; index++) {
    const [, indentation, fence, language] =
      /^( *)(`{3,}|~{3,}) *([^\s`]*)[^`]*$/.exec(lines[index]!) ?? []
    if (fence === undefined) continue
    const opening = index
    const isClosing = (line: string) => line.trim().startsWith(fence) && /^ *[`~]+ *$/.test(line)
    const closing = lines.findIndex((line, at) => at > opening && isClosing(line))
    if (closing === -1) throw new Error(`${page}:${opening + 1}: this block is never closed`)
    const code = lines
      .slice(opening + 1, closing)
      .map((line) => dedented(line, indentation!.length))
    blocks.push({ page, line: opening + 1, language: language!, code: code.join('\n') })
    index = closing
  }
  return blocks
}

function dedented(line: string, by: number): string {
  return line.slice(0, by).trim() === '' ? line.slice(by) : line
}
