import { writeSync } from 'node:fs';
import process from 'node:process';
import { workerData } from 'node:worker_threads';
import { PULSE, RUN, TARGET_INDEX, type WatchdogOptions } from './watchdog.js';

const { targets, seed, hangMs, slots } = workerData as WatchdogOptions & { readonly slots: Int32Array };
const STDERR = 2;

for (;;) {
  const before = Atomics.load(slots, PULSE);
  // Nobody notifies: that would cost every execution more than the count itself.
  Atomics.wait(slots, PULSE, before, hangMs);
  if (before === 0 || Atomics.load(slots, PULSE) !== before) continue;
  const target = targets[slots[TARGET_INDEX]!]!;
  const run = slots[RUN]!;
  // Past the stream of the process, which is served by the thread that hangs.
  writeSync(STDERR, `${target}, seed ${seed}, execution ${run}: it has not ended within ${hangMs} ms\n`);
  writeSync(STDERR, `  npm run fuzz -- --target ${target} --seed ${seed} --run ${run}\n`);
  process.kill(process.pid, 'SIGKILL');
}
