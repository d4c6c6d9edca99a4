import { loadSdk } from '../sdk/load-sdk.ts'
import type { SubjectDefinition } from './subject.ts'

/** What an SDK's request promise can do, of which this is all that is needed. */
interface SdkPromise {
  _thenUnwrap(transform: (data: unknown) => unknown): unknown
}

type Method = (...args: unknown[]) => unknown

const methods = {
  openai7: ['chat', 'completions', 'create'],
  openai6: ['chat', 'completions', 'create'],
  anthropic: ['messages', 'create'],
  genai: ['models', 'generateContent'],
}

/** The least that any observer must do: see every answer and every event, and do nothing. */
export const floor: SubjectDefinition = {
  name: 'floor',
  isPeer: false,
  sdks: ['openai7', 'openai6', 'anthropic', 'genai'],
  async load(name) {
    const sdk = await loadSdk(name, 'subject')
    const wrap = (client: object): object => {
      const path = methods[name]
      if (name !== 'genai') return replaced(client, path, observed)
      const answers = replaced(client, path, awaited)
      return replaced(answers, ['models', 'generateContentStream'], awaited)
    }
    return { sdk, wrap, connect: (options) => wrap(sdk.connect(options)) }
  },
}

function observed(create: Method): Method {
  return (...args) => (create(...args) as SdkPromise)._thenUnwrap(look)
}

function awaited(generate: Method): Method {
  return (...args) => (generate(...args) as Promise<unknown>).then(look)
}

function look(data: unknown): unknown {
  const stream = data as { iterator?: () => AsyncIterator<unknown> } & AsyncIterator<unknown>
  if (typeof stream.iterator === 'function') {
    const open = stream.iterator
    stream.iterator = () => patched(open.call(stream))
  } else if (typeof stream.next === 'function') patched(stream)
  return data
}

function patched(iterator: AsyncIterator<unknown>): AsyncIterator<unknown> {
  const next = iterator.next.bind(iterator)
  iterator.next = () => next().then(see)
  return iterator
}

function see(result: IteratorResult<unknown>): IteratorResult<unknown> {
  return result
}

/** The object with one method of it, or of what it holds, replaced; the rest is inherited. */
function replaced(object: object, path: readonly string[], by: (method: Method) => Method): object {
  const [name = '', ...deeper] = path
  const value = Reflect.get(object, name) as object
  const stand =
    deeper.length === 0 ? by((value as Method).bind(object)) : replaced(value, deeper, by)
  return Object.create(object, { [name]: { value: stand, enumerable: true } }) as object
}
