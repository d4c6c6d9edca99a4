/**
 * True while `next build` runs the modules of an application to look at them: its keys and disks are
 * those of the machine that builds, and nothing may be made or sent.
 * @see https://nextjs.org/docs/app/api-reference/config/next-config-js#phase
 */
export function isNextBuild(): boolean {
  return globalThis.process?.env?.['NEXT_PHASE'] === 'phase-production-build'
}
