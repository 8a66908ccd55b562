import { SystemClock } from '@aep/kernel';
import { changes } from '@aep/store';
import { openLmdbStoreReader } from '@aep/store-lmdb';

/** Reads a store beside its writer and prints what it saw. Arguments: path, first txId. */
const reader = openLmdbStoreReader({ path: process.argv[2]! });
const txIds: number[] = [];
const options = {
  from: Number(process.argv[3]),
  clock: new SystemClock(),
  refresh: () => reader.refresh(),
  untilEnd: true,
};
for await (const { txId } of changes(reader.journal, options)) txIds.push(txId);
const { bad } = await reader.verify();
process.stdout.write(JSON.stringify({ txIds, bad: bad ?? null, applied: reader.tables.appliedTxId }));
await reader.close();
