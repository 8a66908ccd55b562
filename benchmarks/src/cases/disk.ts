import { join } from 'node:path';
import { Histogram } from '@aep/kernel';
import { open, TransactionFlags } from 'lmdb';
import { type BenchmarkCase, scaled } from '../case.js';
import { rounded } from '../micro.js';

export const diskCases: readonly BenchmarkCase[] = [
  {
    name: 'disk/commit',
    title: 'one blocking LMDB commit of 200 bytes after another: the unit in which everything synced is paid',
    durability: 'disk',
    run: async (context) => {
      const root = open<Buffer, number>({
        path: join(context.directory, 'commit'),
        overlappingSync: false,
        encoding: 'binary',
        keyEncoding: 'uint32',
      });
      const tookUs = new Histogram();
      const content = Buffer.alloc(200);
      for (let key = 0, count = scaled(context, 5_000); key < count; key++) {
        const startedMs = performance.now();
        // In braces: a put that is returned would be waited for, and leave the transaction open.
        root.transactionSync(() => {
          void root.put(key, content);
        }, TransactionFlags.SYNCHRONOUS_COMMIT);
        tookUs.record((performance.now() - startedMs) * 1000);
      }
      await root.close();
      const figure = (percent: number) => ({
        name: `p${percent}`,
        value: rounded(tookUs.percentile(percent) / 1000),
        unit: 'ms',
      });
      return { figures: [figure(50), figure(99)], ratios: [] };
    },
  },
];
