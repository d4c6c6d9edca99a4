import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryFolder } from './temporary-folder.ts'

const script = fileURLToPath(new URL('full-disk-child.ts', import.meta.url))

/** Runs the child with a disk of 2 MB of its own at `$0`, in a namespace, so without being root. */
function onSmallDisk(place: string, durability: string) {
  return spawnSync(
    'unshare',
    ['-r', '-m', 'sh', '-c', 'mount -t tmpfs -o size=2m none "$0" && exec "$@"', place].concat([
      process.execPath,
      script,
      place,
      durability,
    ]),
    { encoding: 'utf8' },
  )
}

const canMount =
  spawnSync('unshare', ['-r', '-m', 'sh', '-c', 'mount -t tmpfs none /mnt']).status === 0
if (!canMount) console.warn('no disk is filled: this system lets nobody mount one in a namespace')

test.skipIf(!canMount).each(['process', 'full', 'group'])(
  'on a full disk usage is reported whole, calls go on, and all is well when there is space (%s)',
  (durability) => {
    const disk = join(temporaryFolder(), 'disk')
    mkdirSync(disk)
    const { stdout, stderr } = onSmallDisk(disk, durability)
    expect(stderr).toBe('')
    const { calls, thrown, reported, kept, messages, later, integrity, delivered } = JSON.parse(
      stdout,
    ) as Record<string, never> & { messages: string[] }
    expect(thrown).toBe(0)
    expect(reported).toBeGreaterThan(0)
    // Each call's usage is in the file or in a report, and in one of them only.
    expect(Number(kept) + Number(reported)).toBe(calls)
    for (const message of messages) expect(message).toMatch(/the disk is full.*Free some space/)
    expect(later).toBe(0)
    expect(integrity).toBe('ok')
    expect(delivered).toBe(Number(kept))
  },
)
