/** A process, so that another one on the same machine can tell whether it is still there. */
export interface ProcessName {
  /** Where process ids mean the same: the host and, in Linux, the namespace of its process ids. */
  readonly machine: string
  readonly pid: number
  /** When it started, in ticks since the machine did; empty where that is not known. */
  readonly start: string
}

/** This process; the same in all of its threads. */
export function thisProcess(): ProcessName {
  return { machine: machine(), pid: process.pid, start: statusOf(process.pid).start }
}

/** `undefined` for a process of another machine or container, which cannot be looked up. */
export function isProcessGone(name: ProcessName): boolean | undefined {
  if (name.machine !== machine()) return undefined
  if (!isAlive(name.pid)) return true
  const { state, start: startNow } = statusOf(name.pid)
  // Killed, and its parent has not asked how it ended: in a container without an init, for ever.
  if (state === 'Z' || state === 'X') return true
  // A restarted container often has the process id of the one before it.
  return name.start !== '' && startNow !== '' && name.start !== startNow
}

/** Empty where Linux is not. */
function statusOf(pid: number): { readonly state: string; readonly start: string } {
  try {
    const files = process.getBuiltinModule('node:fs')
    const status = files.readFileSync(`/proc/${pid}/stat`, 'utf8')
    // What comes behind the name, which may have spaces: the state is the first, the start the 20th.
    // https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    const fields = status.slice(status.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0] ?? '', start: fields[19] ?? '' }
  } catch {
    return { state: '', start: '' }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Whoever may not ask (EPERM, or Deno without `--allow-run`) has not learned that it is gone.
    return (error as { code?: string }).code !== 'ESRCH'
  }
}

let knownMachine: string | undefined

function machine(): string {
  if (knownMachine === undefined) {
    let namespace = ''
    try {
      namespace = process.getBuiltinModule('node:fs').readlinkSync('/proc/self/ns/pid')
    } catch {
      // Not Linux: process ids are the host's.
    }
    knownMachine = `${process.getBuiltinModule('node:os').hostname()} ${namespace}`
  }
  return knownMachine
}
