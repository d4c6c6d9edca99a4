/** Finds in the bytes of an answer what was made: JSON, or a stream of events. */
import type { MadeIds } from './made-ids.ts'
import type { ObjectWatch } from './owned-objects.ts'

/** The most that is kept of a whole answer. */
const maxAnswerBytes = 32 * 1024 * 1024
/** The most that is kept of a line of a stream: what was made is said in short ones. */
const maxLineBytes = 1024 * 1024
const newline = 0x0a
const openBrace = 0x7b
/** Of `data`, `event`, `id`, `retry`, and of a comment. */
const firstOfEvents: ReadonlySet<number> = new Set([0x64, 0x65, 0x69, 0x72, 0x3a])

/**
 * @param made told of each id once, as soon as it was said.
 * @param written resolves when what was told is safe.
 */
export function watchAnswer(
  reads: MadeIds,
  made: (ids: readonly string[]) => void,
  written: () => void | Promise<void>,
): ObjectWatch {
  const seen = new Set<string>()
  let kind: 'unknown' | 'json' | 'events' | 'over' = 'unknown'
  let pieces: Uint8Array[] = []
  let kept = 0
  let isCut = false

  const tell = (ids: Iterable<string>) => {
    const fresh = [...ids].filter((id) => !seen.has(id))
    for (const id of fresh) seen.add(id)
    if (fresh.length > 0) made(fresh)
  }
  const keep = (piece: Uint8Array, most: number) => {
    if (isCut) return
    if (kept + piece.length > most) isCut = true
    // The socket's own memory is used again.
    else pieces.push(Uint8Array.from(piece))
    kept += piece.length
  }
  const endLine = () => {
    const line = isCut ? '' : Buffer.concat(pieces).toString().trim()
    pieces = []
    kept = 0
    isCut = false
    if (!line.startsWith('data:') || !reads.mayHave(line)) return
    const event = parsed(line.slice('data:'.length))
    if (event === undefined) return
    tell(reads.ofEvent(event))
  }
  const pushEvents = (bytes: Uint8Array) => {
    let from = 0
    for (;;) {
      const end = bytes.indexOf(newline, from)
      if (end < 0) break
      keep(bytes.subarray(from, end), maxLineBytes)
      endLine()
      from = end + 1
    }
    keep(bytes.subarray(from), maxLineBytes)
  }
  const endAnswer = () => {
    const text = Buffer.concat(pieces)
    const answer = isCut ? undefined : parsed(text.toString())
    if (answer !== undefined) return tell(reads.ofAnswer(answer))
    // Too long, or broken off: what it is called mostly comes first.
    const head = text.toString('utf8', 0, 4096)
    const [, name, id] = /^\s*\{\s*"(id|name)"\s*:\s*"([^"\\]+)"/.exec(head) ?? []
    if (name !== undefined && id !== undefined) tell(reads.ofAnswer({ [name]: id }))
  }

  return {
    push(piece) {
      if (kind === 'unknown') {
        const first = piece.find((byte) => byte > 0x20)
        if (first === undefined) return
        kind = first === openBrace ? 'json' : firstOfEvents.has(first) ? 'events' : 'over'
      }
      if (kind === 'json') keep(piece, maxAnswerBytes)
      else if (kind === 'events') pushEvents(piece)
    },
    saw(message) {
      const event = typeof message === 'object' && message !== null ? message : {}
      tell(reads.ofEvent(event as Readonly<Record<string, unknown>>))
    },
    ended() {
      if (kind === 'json') endAnswer()
      else if (kind === 'events') endLine()
      kind = 'over'
      pieces = []
      return written()
    },
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as Readonly<Record<string, unknown>>) : undefined
  } catch {
    return undefined
  }
}
