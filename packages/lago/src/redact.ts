/** Takes the key out of a text of somebody else's, so that it can be shown. */
export function redact(text: string, apiKey: string | undefined): string {
  return apiKey === undefined || apiKey === '' ? text : text.replaceAll(apiKey, '[key]')
}
