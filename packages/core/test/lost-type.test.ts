import { expect, test } from 'vitest'
import { startFramed } from './framed.ts'

const events = [{ text: 'Once upon' }, { text: ' a time' }, { usage: { input: 5, output: 3 } }]
const lines = events.map((event) => `${JSON.stringify(event)}\n`).join('')
const sse = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')
const types = [
  'application/json',
  'text/plain; charset=utf-8',
  'application/octet-stream',
  undefined,
]
const bodies = [lines, `\n${lines.trimEnd()}`, sse, `event: said\r\n${sse}`, `: ping\n\n${sse}`]
const header = (type: string | undefined) => (type === undefined ? {} : { 'content-type': type })

test.each(types.flatMap((type) => bodies.map((body) => [type, body] as const)))(
  'a proxy has passed a stream on as %s: %j',
  async (type, body) => {
    await using run = await startFramed((_, response) => {
      response.writeHead(200, header(type)).end(body)
    })
    expect(await (await run.fetch(run.url)).text()).toBe(body)
    expect(run.events).toEqual(events)
    expect(run.records).toMatchObject([{ tokens: { input: 5, output: 3 }, outcome: 'complete' }])
    expect(run.errors).toEqual([])
  },
)

test.each([lines, sse])('what was said of one that is left is counted: %j', async (body) => {
  await using run = await startFramed((_, response) => {
    response.writeHead(200, header('text/plain')).write(body.slice(0, body.indexOf('a time')))
  })
  const reader = (await run.fetch(run.url)).body!.getReader()
  await reader.read()
  await reader.cancel()
  expect(run.events).toEqual(events.slice(0, 1))
  expect(run.records).toMatchObject([{ outcome: 'estimated' }])
  expect(run.records[0]!.tokens.output).toBeGreaterThan(0)
})

test.each(['{ "usage":\n {"input": 5, "output": 3}\n}\n', '{"usage":{"input":5,"output":3}}\n'])(
  'an answer on one line or several is a whole one: %j',
  async (body) => {
    await using run = await startFramed((_, response) => {
      response.writeHead(200, header('application/json')).end(body)
    })
    expect(await (await run.fetch(run.url)).text()).toBe(body)
    expect(run.events).toEqual([])
    expect(run.records).toMatchObject([{ tokens: { input: 5, output: 3 }, outcome: 'complete' }])
  },
)
