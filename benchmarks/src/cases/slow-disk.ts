import { type BenchmarkCase, type CaseContext, type CaseResult } from '../case.js';
import { rounded } from '../micro.js';
import { startProcess } from '../processes/child.js';
import type { SlowDiskFigures } from '../processes/slow-disk-process.js';
import { buildSlowFlush } from '../slow-flush.js';

const DELAY_US = 5_000;
const SECONDS = 8;

async function slowDisk(context: CaseContext, isMetaDelayed: boolean): Promise<CaseResult> {
  const slow = buildSlowFlush(context.directory, DELAY_US, isMetaDelayed);
  if (typeof slow === 'string') return { figures: [], ratios: [], didNotRun: slow };
  const seconds = String(SECONDS * context.scale);
  const other = await startProcess<{ busy: SlowDiskFigures; quiet: SlowDiskFigures }>('slow-disk-process', {
    args: [context.directory, slow.countsPath, seconds],
    env: slow.env,
  });
  await other.stop();
  const { busy, quiet } = other.ready;
  const ms = (name: string, value: number) => ({ name, value: rounded(value), unit: 'ms' });
  return {
    figures: [
      // What was asked for, less the wait for the last acknowledgement.
      { name: 'held', value: rounded(busy.perSecond), unit: 'msg/s', goal: { atLeast: 49_000 } },
      ms('p50', busy.p50Ms),
      { ...ms('p99', busy.p99Ms), goal: { atMost: 40 } },
      ms('longest turn of the event loop', busy.turnMaxMs),
      { name: 'flushes', value: busy.flushes.all, unit: '' },
      { name: 'flushes on the event loop', value: busy.flushes.onEventLoop, unit: '', goal: { atMost: 0 } },
      ms('p99 at 100 msg/s', quiet.p99Ms),
      { name: 'flushes at 100 msg/s', value: quiet.flushes.all, unit: '' },
      { name: 'flushes on the event loop at 100 msg/s', value: quiet.flushes.onEventLoop, unit: '' },
    ],
    ratios: [],
  };
}

export const slowDiskCases: readonly BenchmarkCase[] = [
  {
    name: 'slow-disk/5ms',
    title: 'the reference case at 50,000 msg/s where each fdatasync takes 5 ms more (one in each commit)',
    durability: 'disk',
    run: (context) => slowDisk(context, false),
  },
  {
    name: 'slow-disk/10ms',
    title: 'the same where the synced write of the meta page takes 5 ms more, too: 10 ms in each commit',
    durability: 'disk',
    run: (context) => slowDisk(context, true),
  },
];
