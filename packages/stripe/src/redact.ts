/** Takes keys out of a text of somebody else's, whole or masked, so that it can be shown. */
export function redact(text: string, apiKey: string | undefined): string {
  const withoutOwn = apiKey === undefined ? text : text.replaceAll(apiKey, '[key]')
  return withoutOwn.replace(/\b(?:sk|rk|pk|ek|whsec)_[\w*]+/g, '[key]')
}
