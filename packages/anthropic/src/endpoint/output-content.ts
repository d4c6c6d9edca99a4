import { jsonObject, type TokenEstimate } from '@token-meter/core/wire'

/** Adds what a model wrote among the blocks of a message: not what tools of the provider put there. */
export function addContent(content: unknown, estimate: TokenEstimate): void {
  if (typeof content === 'string') estimate.add(content)
  for (const block of Array.isArray(content) ? content.map(jsonObject) : []) {
    estimate.add(block.text)
    estimate.add(block.thinking)
    if (isToolUse(block)) {
      estimate.addToolCall(block.name)
      estimate.addToolCall(block.input)
    } else if (block.type === 'compaction') estimate.add(block.content)
  }
}

/** `tool_use`, `server_tool_use`, `mcp_tool_use` */
export function isToolUse(block: { readonly type?: unknown } | null | undefined): boolean {
  return typeof block?.type === 'string' && block.type.endsWith('tool_use')
}
