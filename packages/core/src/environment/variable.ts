/** An environment variable that is set and not blank. */
export function variable(name: string): string | undefined {
  const value = globalThis.process?.env?.[name]?.trim()
  return value === undefined || value === '' ? undefined : value
}
