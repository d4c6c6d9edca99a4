// A process that does short things until it is killed in the middle of one that is longer.
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { Ambush } from '../../src/crash/ambush.ts'
import { MomentLog } from '../../src/crash/moments.ts'

const [path = ''] = process.argv.slice(2)
const script = join(import.meta.dirname, '../../src/crash/ambush-thread.ts')
const ambush = new Ambush({ moment: 'append', spared: 3, afterUs: 500 }, script)
const log = new MomentLog(path, ambush)

function work(forMs: number): void {
  const until = performance.now() + forMs
  while (performance.now() < until);
}

for (let count = 0; ; count++) {
  log.during('claim', () => work(1))
  // What is over before its time is left alone.
  log.during('append', () => work(count % 5 === 4 ? 200 : 0))
  await setImmediate()
}
