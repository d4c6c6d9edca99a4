/** What an answer says was made, by what was asked. */
import { googleName, hasGoogleNames, type PathObject, pathObject } from './path-object.ts'
import type { ObjectRequest } from './owned-objects.ts'

type Fields = Readonly<Record<string, unknown>>

/** Reads what was made. `undefined` and other things that are no object have nothing. */
export interface MadeIds {
  /** For how long what it makes is kept in mind after its last use, in ms. */
  readonly keptMs: number
  /** Of a whole answer. */
  ofAnswer(answer: Fields): Iterable<string>
  /** Of an event of a stream, or a message of a socket. */
  ofEvent(event: Fields): Iterable<string>
  /** Whether an event can have something, by its text, so that most need not be parsed. */
  mayHave(text: string): boolean
}

const dayMs = 86_400_000
/** Files, batches, conversations: until nobody has used them for more than a year. */
const longMs = 400 * dayMs
/** Responses are kept by OpenAI for 30 days, https://developers.openai.com/api/docs/guides/conversation-state */
const responseMs = 40 * dayMs
/** Files of Google's are kept for 48 hours. */
const googleFileMs = 7 * dayMs
/** What was said aloud can be named for an hour. */
const audioMs = 2 * dayMs

/** `undefined` for a request that makes nothing, and shows nothing new of what was made. */
export function madeIds(request: ObjectRequest): MadeIds | undefined {
  if (request.method === 'DELETE' || request.method === 'HEAD') return undefined
  const object = pathObject(request)
  if (hasGoogleNames(request)) return madeAtGoogle(request, object)
  if (request.dialect === 'anthropic' && request.path.endsWith('/messages')) {
    return runsCode(request.body) ? reads(ofMessage, longMs, /"container|"file_id"/) : undefined
  }
  return object && madeAtOpenai(request, object)
}

function madeAtOpenai({ method, body }: ObjectRequest, object: PathObject): MadeIds | undefined {
  const { collection, id, rest } = object
  const isPost = method === 'POST'
  switch (collection) {
    case 'responses':
      if (isPost && id === undefined) {
        return body?.['store'] === false ? undefined : reads(ofResponse, responseMs, responseEvents)
      }
      // A response that was made in the background has its items later.
      return rest === '' || rest === 'cancel'
        ? reads(ofResponse, responseMs, responseEvents)
        : undefined
    case 'chat/completions':
      if (!isPost || id !== undefined) return undefined
      if (body?.['store'] === true) return reads(ofChat, longMs, /"id"/)
      return (body?.['audio'] ?? undefined) === undefined
        ? undefined
        : reads(ofChat, audioMs, /"audio"/)
    case 'batches':
    case 'messages/batches':
      return reads(fieldsOf('id', 'output_file_id', 'error_file_id'), longMs)
    case 'fine_tuning/jobs':
      return reads(fieldsOf('id', 'result_files'), longMs)
    case 'uploads':
      return isPost ? reads(ofUpload, longMs) : undefined
    case 'conversations':
      if (id !== undefined && rest.startsWith('items')) return reads(ofItems, longMs)
      return isPost && id === undefined ? reads(fieldsOf('id'), longMs) : undefined
    case 'threads':
      return isPost && id === undefined ? reads(fieldsOf('id', 'thread_id'), longMs) : undefined
    case 'videos':
      return isPost && (id === undefined || rest === 'remix')
        ? reads(fieldsOf('id'), longMs)
        : undefined
    default:
      return isPost && id === undefined ? reads(fieldsOf('id'), longMs) : undefined
  }
}

function madeAtGoogle(
  { method, path, body }: ObjectRequest,
  object: PathObject | undefined,
): MadeIds | undefined {
  const isMaking = method === 'POST' || method === 'PUT'
  const verb = /:(\w+)$/.exec(path)?.[1] ?? ''
  if (isMaking && longVerbs.has(verb)) return reads(ofGoogle, longMs)
  if (object === undefined) return undefined
  const { collection, id } = object
  if (collection === 'interactions') {
    if (isMaking && body?.['store'] === false) return undefined
    return reads(ofInteraction, responseMs, /"interaction|"id"/)
  }
  if (isMaking && id === undefined) {
    return reads(ofGoogle, collection === 'files' ? googleFileMs : longMs)
  }
  // When it is over it says where its results are.
  const isRunning = collection === 'batches' || collection === 'operations'
  return method === 'GET' && isRunning && id !== undefined ? reads(ofGoogle, longMs) : undefined
}

/** What begins something that goes on when it was answered. */
const longVerbs: ReadonlySet<string> = new Set([
  'batchGenerateContent',
  'asyncBatchEmbedContent',
  'predictLongRunning',
  'uploadToFileSearchStore',
  'importFile',
])

type Read = (answer: Fields) => Iterable<string>

function reads(ofAnswer: Read, keptMs: number, events: RegExp = /"id"/): MadeIds {
  const mayHave = (text: string) => events.test(text)
  return { keptMs, ofAnswer, ofEvent: ofAnswer, mayHave }
}

function fieldsOf(...names: readonly string[]): Read {
  return (answer) => names.flatMap((name) => texts(answer[name]))
}

const responseEvents =
  /"type"\s*:\s*"response\.(?:created|queued|in_progress|output_item\.(?:added|done))"/

/** A whole response, or an event of one. */
function* ofResponse(answer: Fields): Iterable<string> {
  const response = answer['response'] === undefined ? answer : object(answer['response'])
  const { item } = answer
  if (item === undefined) yield* texts(response['id'])
  for (const each of item === undefined ? list(response['output']) : [object(item)]) {
    yield* texts(each['id'])
    yield* texts(each['container_id'])
    yield* texts(object(each['environment'])['container_id'])
  }
}

function* ofItems(answer: Fields): Iterable<string> {
  for (const item of list(answer['data'])) yield* texts(item['id'])
}

function* ofUpload(answer: Fields): Iterable<string> {
  yield* texts(answer['id'])
  yield* texts(object(answer['file'])['id'])
}

/** A whole completion, or a chunk of one. */
function* ofChat(answer: Fields): Iterable<string> {
  yield* texts(answer['id'])
  for (const choice of list(answer['choices'])) {
    for (const said of [object(choice['message']), object(choice['delta'])]) {
      yield* texts(object(said['audio'])['id'])
    }
  }
}

/** A message of Anthropic's, or an event of one: the container in which code has run, and files that it has left. */
function* ofMessage(answer: Fields): Iterable<string> {
  for (const said of [answer, object(answer['message']), object(answer['delta'])]) {
    yield* texts(object(said['container'])['id'])
    for (const block of list(said['content'])) yield* filesIn(block)
  }
  yield* filesIn(object(answer['content_block']))
}

function* filesIn(block: Fields): Iterable<string> {
  if (typeof block['type'] !== 'string' || !block['type'].endsWith('_tool_result')) return
  const { content } = block
  for (const result of Array.isArray(content) ? list(content) : [object(content)]) {
    yield* texts(result['file_id'])
    for (const output of list(result['content'])) yield* texts(output['file_id'])
  }
}

function runsCode(body: ObjectRequest['body'] = {}): boolean {
  const isCode = ({ type }: Fields) => typeof type === 'string' && type.startsWith('code_execution')
  return (body['container'] ?? null) !== null || list(body['tools']).some(isCode)
}

function* ofInteraction(answer: Fields): Iterable<string> {
  const interaction = answer['interaction'] === undefined ? answer : object(answer['interaction'])
  const isOne = answer['interaction'] !== undefined || answer['event_type'] === undefined
  if (!isOne) return
  for (const id of texts(interaction['id'])) yield `interactions/${id}`
}

/** An operation, a file, a cache: its name, and those of files that have come of it. */
function* ofGoogle(answer: Fields): Iterable<string> {
  const left: Fields[] = [answer, ...list(answer['files'])]
  for (const each of left) yield* names(each['name'])
  const found: unknown[] = [answer['file'], answer['response'], answer['metadata'], answer['dest']]
  // The results of a batch can be many, and say nothing of files.
  for (let steps = 0; found.length > 0 && steps < 10_000; steps++) {
    const value = found.pop()
    if (typeof value !== 'object' || value === null) continue
    for (const [field, inner] of Object.entries(value)) {
      if (/^(?:name|uri|responses_?file|file_?name)$/i.test(field)) yield* names(inner)
      if (typeof inner === 'object' && !/^inlined_?responses$/i.test(field)) found.push(inner)
    }
  }
}

function names(value: unknown): readonly string[] {
  const name = typeof value === 'string' ? googleName(value) : undefined
  return name === undefined ? [] : [name]
}

function object(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : {}
}

function list(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(object) : []
}

/** Ids, one or several; none is longer than this. */
const maxIdLength = 512

function texts(value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  return values.filter(
    (each): each is string => typeof each === 'string' && each !== '' && each.length <= maxIdLength,
  )
}
