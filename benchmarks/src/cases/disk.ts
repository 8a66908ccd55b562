import { join } from 'node:path';
import { Histogram } from '@aep/kernel';
import { type BenchmarkCase, scaled } from '../case.js';
import { commitTimesUs } from '../commit-times.js';
import { rounded } from '../micro.js';

export const diskCases: readonly BenchmarkCase[] = [
  {
    name: 'disk/commit',
    title: 'one blocking LMDB commit of 200 bytes after another: the unit in which everything synced is paid',
    durability: 'disk',
    run: async (context) => {
      const tookUs = new Histogram();
      await commitTimesUs(join(context.directory, 'commit'), scaled(context, 5_000), tookUs);
      const figure = (percent: number) => ({
        name: `p${percent}`,
        value: rounded(tookUs.percentile(percent) / 1000),
        unit: 'ms',
      });
      return { figures: [figure(50), figure(99)], ratios: [] };
    },
  },
];
