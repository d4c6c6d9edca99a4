import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { modelSlug } from './model-slug.ts'
import { providerName } from './provider-name.ts'

/** The rows of the page that have a base URL: gateway, base URL, model, provider, slug. */
const rows = readFileSync(new URL('../../../../docs/gateways.md', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line.includes('| `http'))
  .map((line) => [...line.matchAll(/`([^`]+)`/g)].map(([, cell]) => cell as string))

describe('docs/gateways.md', () => {
  test('has its table', () => {
    expect(rows.length).toBeGreaterThan(10)
    expect(rows.every((cells) => cells.length === 4)).toBe(true)
  })

  test.each(rows)('%s, %s', (baseUrl, model, provider, slug) => {
    const name = providerName(baseUrl as string, 'openai')
    expect(name).toBe(provider)
    expect(modelSlug(name, model as string)).toBe(slug)
  })
})
