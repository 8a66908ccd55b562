import { join } from 'node:path';
import { SystemClock } from '@aep/kernel';
import { encodeChannelTag, RecordKind, RecordWriter } from '@aep/store';
import { openLmdbStore } from '@aep/store-lmdb';
import { open } from 'lmdb';
import { type BenchmarkCase, scaled } from '../case.js';
import { median, rounded } from '../micro.js';

const ROUNDS = 3;
const RECORD_CONTENT = new Uint8Array(200);

/** Records per second into the journal: as many as fit are appended while a commit is under way. */
async function journalRate(path: string, records: number): Promise<number> {
  const store = await openLmdbStore({
    path,
    engineName: 'bench',
    clock: new SystemClock(),
  });
  const { journal } = store;
  const writer = new RecordWriter();
  const cause = {
    channelTag: encodeChannelTag('bench', 'orders', 1),
    senderId: 1,
    incarnation: 1,
    flow: 0,
    sno: 0,
    channelSno: 0,
  };
  const key = new Uint8Array(8);
  const startedMs = performance.now();
  await new Promise<void>((resolve, reject) => {
    const fill = (): void => {
      while (journal.lastTxId < records) {
        writer.begin(RecordKind.transaction, 1, journal.lastTxId + 1, 0);
        cause.sno = journal.lastTxId + 1;
        writer.inboundCause(cause);
        writer.putBytes(1, key, RECORD_CONTENT);
        writer.seal(journal.lastHash);
        if (journal.append(writer.bytes, writer.length) !== 'accepted') break;
        if (journal.lastTxId % 4096 === 0) break;
      }
      journal.commit();
      if (journal.lastTxId < records) setImmediate(fill);
    };
    journal.listen({ onStable: (mark) => (mark.txId === records ? resolve() : undefined), onFailure: reject });
    fill();
  });
  const perSecond = (records / (performance.now() - startedMs)) * 1000;
  await store.close();
  return perSecond;
}

/** Bytes of the same amount per second, packed into values of 4,096 records, one synced put at a time. */
async function bareRate(path: string, records: number): Promise<number> {
  const root = open({
    path,
    overlappingSync: false,
    encoding: 'binary',
    keyEncoding: 'uint32',
  });
  const packed = Buffer.alloc(4096 * 290);
  const startedMs = performance.now();
  for (let first = 0; first < records; first += 4096) await root.put(first, packed);
  const perSecond = (records / (performance.now() - startedMs)) * 1000;
  await root.close();
  return perSecond;
}

export const journalCases: readonly BenchmarkCase[] = [
  {
    name: 'journal/saturated',
    title: 'write, hash, chain and commit records of about 290 bytes, against bare LMDB puts of the same packed bytes',
    durability: 'disk',
    run: async (context) => {
      const records = scaled(context, 500_000);
      const rates = { ours: [] as number[], bare: [] as number[] };
      for (let round = 0; round < ROUNDS; round++) {
        rates.bare.push(await bareRate(join(context.directory, `bare-${round}`), records));
        rates.ours.push(await journalRate(join(context.directory, `journal-${round}`), records));
      }
      const ratio = median(rates.ours.map((rate, round) => rate / rates.bare[round]!));
      return {
        figures: [
          { name: 'journal', value: rounded(median(rates.ours)), unit: 'records/s' },
          { name: 'bare LMDB', value: rounded(median(rates.bare)), unit: 'records/s' },
        ],
        ratios: [{ name: 'throughput', value: rounded(ratio), against: 'bare LMDB' }],
      };
    },
  },
];
