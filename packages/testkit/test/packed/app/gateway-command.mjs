// `token-meter`, as it is installed: a gateway is started, asked with a key, and ended.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const bin = join(import.meta.dirname, 'node_modules/token-meter/dist/bin.js')
const cwd = mkdtempSync(join(tmpdir(), 'token-meter-command-'))
const env = {
  PATH: process.env.PATH,
  OPENAI_API_KEY: 'sk-upstream',
  TOKEN_METER_ADMIN_KEY: 'admin-key-of-the-test',
}
const run = (...args) =>
  execFileSync(process.execPath, [bin, ...args], { cwd, env, encoding: 'utf8' }).trim()

const child = spawn(process.execPath, [bin, 'gateway', '--port', '0'], { cwd, env })
let said = ''
const url = await new Promise((resolve, reject) => {
  child.stderr.setEncoding('utf8').on('data', (piece) => {
    said += piece
    const [, found] = /gateway on (http:\S+)\n/.exec(said) ?? []
    if (found !== undefined) resolve(found)
  })
  child.on('close', () => reject(new Error(said)))
})
const key = run('keys', 'generate', '--customer', 'cus_command')
const { ready } = await (await fetch(`${url}/health/ready`)).json()
// A list is nobody's: 403, for a key that is one.
const { status: taken } = await fetch(`${url}/v1/files`, {
  headers: { authorization: `Bearer ${key}` },
})
child.kill('SIGTERM')
const [code] = await once(child, 'close')
console.log(JSON.stringify({ version: run('--version'), key, ready, taken, code }))
