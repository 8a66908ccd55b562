import { writeSync } from 'node:fs';
import { openEmbeddedArbiter } from '@aep/cluster';

/** Takes one epoch after the other, and says on its standard output which it was given; 0 when it begins. Until it is killed. */
const arbiter = openEmbeddedArbiter({ path: process.argv[2]!, group: 'group', announceIntervalMs: 200 });
const me = { name: `claimer-${process.pid}`, storeId: String(process.pid) };
arbiter.announce({ ...me, address: 'h:1', priority: 1, version: '1', lastTxId: 0 });
writeSync(1, '0\n');
const keepAlive = setInterval(() => undefined, 1_000);

function claim(epoch: number): void {
  const record = { epoch: epoch + 1, primary: me, members: [me], incarnation: 1 };
  arbiter.compareAndSet(epoch, record, (error, answer) => {
    if (error !== undefined) throw error;
    if (answer!.swapped) writeSync(1, `${epoch + 1}\n`);
    if (keepAlive.hasRef()) setTimeout(() => claim(answer!.current?.epoch ?? 0), 2);
  });
}

arbiter.read((error, record) => {
  if (error !== undefined) throw error;
  claim(record?.epoch ?? 0);
});
