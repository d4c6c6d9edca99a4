/** Takes keys out of a text of somebody else's, so that it can be shown. */
export function redact(text: string, apiKey: string | undefined): string {
  const withoutOwn = apiKey === undefined ? text : text.replaceAll(apiKey, '[key]')
  return withoutOwn
    .replace(/\bBearer\s+[!-~]+/gi, 'Bearer [key]')
    .replace(/\b(?:om|spat|kpat)_\w+/g, '[key]')
}
