// The thread that kills its own process: ambush.ts.
import { workerData } from 'node:worker_threads'
import { type AmbushThread, stages } from './ambush.ts'

const { shared, afterUs } = workerData as AmbushThread
const stage = new Int32Array(shared)
Atomics.store(stage, 0, stages.waiting)
// Where the moment was over sooner, the next one is met earlier.
for (let withinUs = afterUs; ; withinUs /= 4) {
  while (Atomics.compareExchange(stage, 0, stages.coming, stages.awake) !== stages.coming) {
    Atomics.wait(stage, 0, stages.waiting)
  }
  while (Atomics.load(stage, 0) === stages.awake);
  const until = performance.now() + withinUs / 1000
  while (Atomics.load(stage, 0) === stages.begun && performance.now() < until);
  if (Atomics.load(stage, 0) === stages.begun) process.kill(process.pid, 'SIGKILL')
}
