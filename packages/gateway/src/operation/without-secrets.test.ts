import { expect, test } from 'vitest'
import type { AccessEntry } from '../access-entry.ts'
import { withoutSecrets } from './without-secrets.ts'

const entry = { id: 'r1', path: '/', model: null } as unknown as AccessEntry
const clean = withoutSecrets(['my admin/key', 'upstream', undefined])

test.each([
  ['/key/my%20admin%2Fkey/x', '/key/.../x'],
  ['/v1/files/sk-proj-0123456789abcdef/content', '/v1/files/sk-.../content'],
  ['/v1/rk_live_0123456789abcdef', '/v1/rk_...'],
  ['/v1beta/AIzaSyA0123456789012345678901', '/v1beta/AIz...'],
  ['/v1/models/upstream', '/v1/models/...'],
  [
    '/v1/tasks-with-a-long-name/risk-0123456789abcdef',
    '/v1/tasks-with-a-long-name/risk-0123456789abcdef',
  ],
  ['/v1/files/file-0123456789abcdef', '/v1/files/file-0123456789abcdef'],
])('%s is told as %s', (path, told) => {
  expect(clean({ ...entry, path }).path).toBe(told)
})

test('a key in place of a model is no model', () => {
  expect(clean({ ...entry, model: 'my admin/key' }).model).toBe('...')
  expect(clean({ ...entry, model: 'claude-sonnet-4-5-20250929' }).model).toBe(
    'claude-sonnet-4-5-20250929',
  )
  expect(clean(entry).model).toBeNull()
})
