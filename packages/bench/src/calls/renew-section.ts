import { readFile, writeFile } from 'node:fs/promises'

/**
 * Puts lines between the markers of a section: `<!-- calls:begin -->` and `<!-- calls:end -->`.
 * @throws Error when the file has no such markers.
 */
export async function renewSection(
  file: URL,
  section: string,
  lines: readonly string[],
): Promise<void> {
  const text = await readFile(file, 'utf8')
  const begin = `<!-- ${section}:begin -->`
  const end = `<!-- ${section}:end -->`
  const from = text.indexOf(begin)
  const to = text.indexOf(end)
  if (from < 0 || to < from) throw new Error(`${file.pathname} has no markers of "${section}"`)
  const renewed = [begin, '', ...lines, '', end].join('\n')
  await writeFile(file, text.slice(0, from) + renewed + text.slice(to + end.length))
}
