/**
 * What others may have made that a request names, wherever it can: in its path, its query, its body. What
 * an application says in its own words (arguments of a tool, a schema, metadata) names nothing.
 */
import { GatewayRefusal } from '../refusal.ts'
import type { ObjectRequest } from './owned-objects.ts'
import { googleName, hasGoogleNames, pathObject } from './path-object.ts'

/** Fields whose text is an id, and whose list is one of ids; in any case, since some servers take any. */
const idFields: ReadonlySet<string> = new Set([
  'previous_response_id',
  'comparison_response_id',
  'conversation',
  'file_id',
  'file_ids',
  'input_file_id',
  'training_file',
  'validation_file',
  'vector_store_id',
  'vector_store_ids',
  'container',
  'assistant_id',
  'video_id',
  'memory_store_id',
  'vault_ids',
])
/** Objects, or lists of some, with an `id` that is looked up. */
const objectsWithIds: ReadonlySet<string> = new Set([
  'audio',
  'conversation',
  'container',
  'video',
  'characters',
])
/** Which conversation a call of the Realtime API is about. */
const noIds: ReadonlySet<string> = new Set(['auto', 'none'])

/** What is an application's own, or what a provider has said and does not look up when it is said again. */
const unread: ReadonlySet<string> = new Set([
  'metadata',
  'parameters',
  'arguments',
  'input_schema',
  'output_schema',
  'schema',
  'json_schema',
  'annotations',
  'results',
  'citations',
])

const googleFields: ReadonlySet<string> = new Set([
  'cachedContent',
  'cached_content',
  'fileUri',
  'file_uri',
  'fileName',
  'file_name',
  'uri',
  'fileSearchStoreNames',
  'file_search_store_names',
  'operationName',
  'operation_name',
])
const googleInteractions: ReadonlySet<string> = new Set([
  'previous_interaction_id',
  'previousInteractionId',
])
const googleUnread: ReadonlySet<string> = new Set([
  'args',
  'response',
  'parameters',
  'parametersJsonSchema',
  'parameters_json_schema',
  'responseSchema',
  'response_schema',
  'responseJsonSchema',
  'response_json_schema',
  'arguments',
  'result',
  'metadata',
  'labels',
])

/** So many objects no request needs. */
const maxIds = 2000

/** @throws GatewayRefusal 400 where there are more than anybody can need. */
export function namedIds(request: ObjectRequest): ReadonlySet<string> {
  const isGoogle = hasGoogleNames(request)
  const ids = new Set<string>()
  const ofPath = pathObject(request)?.id
  if (ofPath !== undefined) ids.add(ofPath)
  for (const [name, value] of request.query) {
    if (isGoogle) addGoogle(name, value, ids)
    else if (idFields.has(name) && value !== '') ids.add(value)
  }
  if (request.body !== undefined) {
    walk(request.body, isGoogle ? visitGoogle : visitorOf(request.path), ids)
  }
  return ids
}

type Fields = Readonly<Record<string, unknown>>
/** Notes what an object's fields name. Returns those whose values are looked at too. */
type Visit = (fields: Fields, ids: Set<string>) => Iterable<unknown>

/** Not by calling itself: a body may be nested as deep as it is long. */
function walk(body: Fields, visit: Visit, ids: Set<string>): void {
  const left: unknown[] = [body]
  while (left.length > 0) {
    const value = left.pop()
    if (typeof value !== 'object' || value === null) continue
    const inner = Array.isArray(value) ? (value as readonly unknown[]) : visit(value as Fields, ids)
    for (const each of inner) if (typeof each === 'object' && each !== null) left.push(each)
    if (ids.size > maxIds) {
      const message = `The request names more than ${maxIds} files or other objects: send several requests`
      throw new GatewayRefusal(400, 'invalid_request', message)
    }
  }
}

/** Items of a realtime session are its own, whatever they are called. */
function visitorOf(path: string): Visit {
  const hasOwnItems = path.endsWith('/realtime')
  return (fields, ids) => visitOpenai(fields, ids, hasOwnItems)
}

function* visitOpenai(fields: Fields, ids: Set<string>, hasOwnItems: boolean): Iterable<unknown> {
  const { type, id } = fields
  if (type === 'file_id' && isText(id)) ids.add(id)
  if (type === 'container_reference' && isText(fields['container_id'])) {
    ids.add(fields['container_id'])
  }
  for (const [name, value] of Object.entries(fields)) {
    if (unread.has(name)) continue
    const values: readonly unknown[] = Array.isArray(value) ? value : [value]
    // What a tool is called with.
    if (name === 'input' && values[0] === value && isText(type) && type.endsWith('tool_use'))
      continue
    for (const each of values) {
      if (isText(each)) {
        if (idFields.has(name.toLowerCase()) && !noIds.has(each)) ids.add(each)
      } else if (typeof each === 'object' && each !== null) {
        const inner = each as Fields
        const isItem = !hasOwnItems && (name === 'input' || name === 'items' || name === 'item')
        const isNamed = objectsWithIds.has(name.toLowerCase()) || (isItem && isReference(inner))
        if (isNamed && isText(inner['id'])) ids.add(inner['id'])
      }
    }
    yield value
  }
}

/** An item that is said by its id alone, or whose rest is looked up by it. */
function isReference(item: Fields): boolean {
  const { type } = item
  if (type === undefined || type === null) return !('role' in item)
  return type === 'item_reference' || (type === 'reasoning' && !isText(item['encrypted_content']))
}

function* visitGoogle(fields: Fields, ids: Set<string>): Iterable<unknown> {
  for (const [name, value] of Object.entries(fields)) {
    if (googleUnread.has(name)) continue
    for (const each of Array.isArray(value) ? (value as readonly unknown[]) : [value]) {
      if (isText(each)) addGoogle(name, each, ids)
    }
    yield value
  }
}

function addGoogle(field: string, value: string, ids: Set<string>): void {
  if (googleInteractions.has(field) && value !== '') ids.add(`interactions/${value}`)
  if (!googleFields.has(field)) return
  const name = googleName(value)
  if (name !== undefined) ids.add(name)
  // What must be a name, and is none that is known, is nobody's.
  else if (/^cached_?content$/i.test(field)) ids.add(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
