/** The object that a path names: `/v1/files/file-1/content` is about the file `file-1`. */
import type { Dialect } from '../upstream.ts'
import type { ObjectRequest } from './owned-objects.ts'

export interface PathObject {
  /** What it is one of: `files`, `chat/completions`. */
  readonly collection: string
  /** What it is known by here; `undefined` where the path is that of all of them. */
  readonly id: string | undefined
  /** What follows it in the path. */
  readonly rest: string
}

/**
 * Collections of OpenAI and Anthropic, and what stands behind their names in a path that is no id. What
 * belongs to an object stands behind it, and is checked with it.
 */
const collections: Readonly<Record<string, readonly string[]>> = {
  files: [],
  uploads: [],
  batches: [],
  responses: ['input_tokens', 'compact'],
  conversations: [],
  'chat/completions': [],
  'async/chat/completions': [],
  'messages/batches': [],
  videos: ['characters', 'edits', 'extensions'],
  'videos/characters': [],
  vector_stores: [],
  containers: [],
  assistants: [],
  threads: ['runs'],
  evals: [],
  'fine_tuning/jobs': [],
  'realtime/calls': [],
  'chatkit/threads': [],
  skills: [],
  agents: ['automations', 'environments', 'sessions'],
  sessions: [],
  environments: [],
  deployments: [],
  memory_stores: [],
  vaults: [],
}

/** Those of Google, whose ids are names with the collection in them: `files/abc`. */
const googleCollections: ReadonlySet<string> = new Set([
  'files',
  'cachedContents',
  'batches',
  'operations',
  'interactions',
  'fileSearchStores',
  'corpora',
  'batchPredictionJobs',
  'tuningJobs',
])

/** Whether ids are as Google has them: not so in its API that speaks OpenAI's. */
export function hasGoogleNames({
  dialect,
  path,
}: Pick<ObjectRequest, 'dialect' | 'path'>): boolean {
  return dialect === 'gemini' && !path.includes('/openai/')
}

/** `undefined` for a path that is about no object. */
export function pathObject(request: {
  readonly dialect: Dialect
  readonly path: string
}): PathObject | undefined {
  const segments = segmentsOf(request.path)
  return hasGoogleNames(request) ? inGoogle(segments) : inOpenai(segments)
}

function inOpenai(segments: readonly string[]): PathObject | undefined {
  // A deployment of Azure can be called as it likes.
  const from = segments[0] === 'openai' && segments[1] === 'deployments' ? 3 : 0
  for (let index = from; index < segments.length; index++) {
    for (const length of [3, 2, 1]) {
      const collection = segments.slice(index, index + length).join('/')
      if (!Object.hasOwn(collections, collection)) continue
      const [id, ...rest] = segments.slice(index + length)
      if (id !== undefined && collections[collection]?.includes(id)) break
      return { collection, id, rest: rest.join('/') }
    }
  }
  return undefined
}

function inGoogle(segments: readonly string[]): PathObject | undefined {
  for (const [index, segment] of segments.entries()) {
    const [collection = '', verb = ''] = cutVerb(segment)
    if (!googleCollections.has(collection)) continue
    const [id, itsVerb = ''] = cutVerb(segments[index + 1] ?? '')
    if (id === '') return { collection, id: undefined, rest: verb }
    const rest = [...segments.slice(index + 2), itsVerb].filter((each) => each !== '').join('/')
    return { collection, id: `${collection}/${id}`, rest }
  }
  return undefined
}

/** `abc:download` -> `abc`, `download`. */
function cutVerb(segment: string): readonly [string, string] {
  const colon = segment.indexOf(':')
  return colon < 0 ? [segment, ''] : [segment.slice(0, colon), segment.slice(colon + 1)]
}

/** What a server may take for the parts of a path. */
function segmentsOf(path: string): readonly string[] {
  let decoded = path
  try {
    decoded = decodeURIComponent(path)
  } catch {
    // An id that is not well encoded is nobody's.
  }
  return decoded.split(/[/\\]/).filter((segment) => segment !== '')
}

/**
 * What Google's names of things are known by here: `projects/p/locations/l/cachedContents/1` and
 * `https://generativelanguage.googleapis.com/v1beta/files/1` are `cachedContents/1` and `files/1`.
 * `undefined` for what names nothing at Google's, such as a video of somebody's.
 */
export function googleName(text: string): string | undefined {
  let path = text
  if (/^[a-z][a-z\d+.-]*:/i.test(text)) {
    const url = URL.parse(text)
    if (url === null || !/(?:^|[.-])generativelanguage\./.test(url.hostname)) return undefined
    path = url.pathname
  }
  return inGoogle(segmentsOf(path.split(/[?#]/, 1)[0] ?? ''))?.id
}
