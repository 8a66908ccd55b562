import { setImmediate as turn } from 'node:timers/promises';
import type { Histogram } from '@aep/kernel';
import { open, type RootDatabase, TransactionFlags } from 'lmdb';

const CONTENT = Buffer.alloc(200);

/** Blocking, synced LMDB commits of 200 bytes: the unit in which everything durable is paid. */
export class BareCommits {
  private readonly root: RootDatabase<Buffer, number>;
  private key = 0;

  constructor(
    path: string,
    private readonly tookUs: Histogram,
  ) {
    this.root = open<Buffer, number>({ path, overlappingSync: false, encoding: 'binary', keyEncoding: 'uint32' });
  }

  /** One commit now: a disk that has had nothing to do for a millisecond takes longer than one that is kept busy. */
  once(): void {
    const startedMs = performance.now();
    // In braces: a put that is returned would be waited for, and leave the transaction open.
    this.root.transactionSync(() => {
      void this.root.put(this.key++, CONTENT);
    }, TransactionFlags.SYNCHRONOUS_COMMIT);
    this.tookUs.record((performance.now() - startedMs) * 1000);
  }

  close(): Promise<void> {
    return this.root.close();
  }
}

/** Microseconds of one after another. */
export async function commitTimesUs(path: string, count: number, tookUs: Histogram): Promise<void> {
  const commits = new BareCommits(path, tookUs);
  for (let left = count; left > 0; left--) {
    commits.once();
    // Whoever else lives in this process must be able to say that it does.
    await turn();
  }
  await commits.close();
}
