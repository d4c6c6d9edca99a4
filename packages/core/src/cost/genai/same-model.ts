import type { MatchLogic } from '@pydantic/genai-prices'

/** What may follow a model's name without making it another model: dates, revisions, `latest`. */
const snapshot =
  /^(?:[-@]\d{8}|-\d{4}-\d{2}-\d{2}|[-@]latest|@default|-\d{3}|-v\d+(?::\d+)?|:\d+)*$/
/** Where the beginning of a name was matched up to the date itself. */
const snapshotDate = /^(?:\d{4}|\d{6}|\d{8})$/
/** What may stand before it: Bedrock's regions and vendors, and the paths of Google. */
const place = /^(?:[a-z-]+\.){0,2}$|^(?:publishers\/[a-z-]+\/)?models\/$/

/**
 * Whether the price of a model is really that of `name`. The list finds models by how their names
 * begin, so that it takes `gemini-3.8-flash-lite` for `gemini-3.8-flash`: a match is right where it
 * is of the whole name, but for the snapshot.
 */
export function isSameModel(name: string, match: MatchLogic): boolean {
  const model = name.toLowerCase()
  if ('or' in match) return match.or.some((part) => isSameModel(model, part))
  if ('and' in match) return match.and.some((part) => isSameModel(model, part))
  if ('equals' in match) return model === match.equals.toLowerCase()
  if ('regex' in match) return isWhole(match.regex) && new RegExp(match.regex, 'i').test(name)
  const [part, before] =
    'starts_with' in match
      ? [match.starts_with, 0]
      : 'ends_with' in match
        ? [match.ends_with, model.length - match.ends_with.length]
        : [match.contains, model.indexOf(match.contains.toLowerCase())]
  const base = baseName(model)
  if (base === baseName(part.toLowerCase())) return true
  if (before < 0 || !model.startsWith(part.toLowerCase(), before)) return false
  // It ends inside the snapshot: `claude-sonnet-4-2025`, `gpt-5-nano-`.
  if (before === 0 && part.toLowerCase().startsWith(base)) return true
  const after = model.slice(before + part.length)
  const isDate = /[-@]$/.test(part) && snapshotDate.test(after)
  return place.test(model.slice(0, before)) && (isDate || snapshot.test(after))
}

/** Of a name from its first to its last character; one that looks ahead only excludes names. */
function isWhole(regex: string): boolean {
  return regex.startsWith('^') && regex.endsWith('$') && !regex.includes('(?!')
}

function baseName(name: string): string {
  let base = name.replace(place, '')
  for (let start = base.length; start > 0; start--) {
    if (!'-@:'.includes(base.charAt(start)) || !snapshot.test(base.slice(start))) continue
    base = base.slice(0, start)
  }
  return base
}
