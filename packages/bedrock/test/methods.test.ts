import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commandRequest } from '../src/sdk/command-request.ts'
import { bedrockWire } from '../src/wire.ts'
import { sdkVersions } from './sdk-versions.ts'

const rows = readFileSync(join(import.meta.dirname, '..', 'METHODS.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => {
    const [, name = '', request = '', state = ''] = line.split('|').map((cell) => cell.trim())
    return { name: name.replaceAll('`', ''), request: request.replaceAll('`', ''), state }
  })

const context = {
  baseUrl: undefined,
  provider: 'bedrock',
  jobs: () => expect.fail(),
  warn: () => expect.fail(),
}

function stateOf(method: string, url: string): string {
  const operation = bedrockWire.open({ method, url, headers: undefined, body: '{}' }, context)
  if (operation === undefined) return 'free'
  return 'endpoint' in operation ? 'metered' : 'not metered'
}

describe.each(sdkVersions)('METHODS.md and the SDK $version', ({ version, sdk }) => {
  const commands = Object.keys(sdk).filter((name) => /^[A-Z]\w+Command$/.test(name))

  test('every command has a row', () => {
    expect(commands.length).toBeGreaterThan(8)
    expect(commands.filter((name) => !rows.some((row) => row.name === name))).toEqual([])
  })

  test('every method of the aggregated client sends one of them', () => {
    const methods = Object.getOwnPropertyNames(sdk.BedrockRuntime.prototype).filter(
      (name) => name !== 'constructor' && !name.startsWith('paginate'),
    )
    const named = (method: string) => `${method.charAt(0).toUpperCase()}${method.slice(1)}Command`
    expect(methods.map(named).toSorted()).toEqual(commands.toSorted())
  })

  test.runIf(version === '3.1164')('no row is of a command that no SDK has', () => {
    expect(rows.map(({ name }) => name).toSorted()).toEqual(commands.toSorted())
  })
})

test.each(rows)('$name is $state, as its row says', ({ name, request, state }) => {
  const [method = '', template = ''] = request.split(' ')
  const path = template.replaceAll(/\{\w+\}/g, 'some')
  expect(stateOf(method, path)).toBe(state)
  const fields = { modelId: 'some', guardrailIdentifier: 'some', guardrailVersion: 'some' }
  const sent = commandRequest(name, fields)
  expect(sent?.method).toBe(method)
  expect(path.startsWith(sent?.url ?? 'none')).toBe(true)
  expect(stateOf(sent?.method ?? '', sent?.url ?? '')).toBe(state)
})
