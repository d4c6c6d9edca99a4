/** Takes a key out of a text of somebody else's, so that it can be shown. */
export function withoutKey(text: string, key: string | undefined, mark = '[key]'): string {
  return key === undefined || key === '' ? text : text.replaceAll(key, mark)
}
