import { setImmediate as turn } from 'node:timers/promises';
import type { Histogram } from '@aep/kernel';
import { open, TransactionFlags } from 'lmdb';

const CONTENT = Buffer.alloc(200);

/** Microseconds of one blocking, synced LMDB commit after another: the unit in which everything durable is paid. */
export async function commitTimesUs(path: string, count: number, tookUs: Histogram): Promise<void> {
  const root = open<Buffer, number>({ path, overlappingSync: false, encoding: 'binary', keyEncoding: 'uint32' });
  for (let key = 0; key < count; key++) {
    const startedMs = performance.now();
    // In braces: a put that is returned would be waited for, and leave the transaction open.
    root.transactionSync(() => {
      void root.put(key, CONTENT);
    }, TransactionFlags.SYNCHRONOUS_COMMIT);
    tookUs.record((performance.now() - startedMs) * 1000);
    // Whoever else lives in this process must be able to say that it does.
    await turn();
  }
  await root.close();
}
