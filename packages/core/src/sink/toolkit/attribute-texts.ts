const nothing: ReadonlySet<string> = new Set()

/**
 * Attributes as names and texts. They may come from untyped code: what has no obvious text is left
 * out.
 * @param reserved names that decide the bill, which no attribute may stand in for.
 */
export function attributeTexts(
  attributes: Readonly<Record<string, unknown>>,
  reserved: ReadonlySet<string> = nothing,
): [name: string, text: string][] {
  return Object.entries(attributes)
    .filter(([name, value]) => !reserved.has(name) && /^[snb]/.test(typeof value))
    .map(([name, value]) => [name, String(value)])
}
