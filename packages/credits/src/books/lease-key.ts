/** The key of what a hold is charged when its lease ends. */
export function leaseKey(hold: string): string {
  return `lease:${hold}`
}
