import { join } from 'node:path';
import { Histogram } from '@aep/kernel';
import { type BenchmarkCase, scaled } from '../case.js';
import { BareCommits, commitTimesUs } from '../commit-times.js';
import { pause, rounded } from '../micro.js';

const PAUSE_MS = 2;

export const diskCases: readonly BenchmarkCase[] = [
  {
    name: 'disk/commit',
    title: 'blocking LMDB commits of 200 bytes: the unit in which everything synced is paid',
    durability: 'disk',
    run: async (context) => {
      const [busyUs, pacedUs] = [new Histogram(), new Histogram()];
      await commitTimesUs(join(context.directory, 'busy'), scaled(context, 5_000), busyUs);
      const paced = new BareCommits(join(context.directory, 'paced'), pacedUs);
      for (let left = scaled(context, 1_000); left > 0; left--) {
        await pause(PAUSE_MS);
        paced.once();
      }
      await paced.close();
      const figures = (tookUs: Histogram, when: string) =>
        [50, 99].map((percent) => ({
          name: `p${percent}, ${when}`,
          value: rounded(tookUs.percentile(percent) / 1000),
          unit: 'ms',
        }));
      return {
        figures: [...figures(busyUs, 'one after another'), ...figures(pacedUs, `${PAUSE_MS} ms apart`)],
        ratios: [],
      };
    },
  },
];
