import { SystemClock } from '@aep/kernel';
import { Checkpointer, LocalCause, RecordKind, RecordWriter, recover } from '@aep/store';
import { openLmdbStore } from '@aep/store-lmdb';

/** The example of README.md. */
export async function example(path: string): Promise<{ stableTxId: number; value: string }> {
  const clock = new SystemClock();
  const store = await openLmdbStore({ path, engineName: 'orders', clock });
  await recover(store, { clock }); // the tables now hold everything that the journal says
  const { journal, tables } = store;
  const onFailure = (error: Error): never => {
    throw error; // fatal: the engine stops
  };
  const checkpointer = new Checkpointer(tables, clock, { onApplied: () => {}, onFailure });

  const stable = new Promise<number>((resolve) => {
    journal.listen({
      onStable(mark) {
        checkpointer.onStable(mark); // an engine releases sends and acknowledgements here
        if (mark.txId === 2) resolve(mark.txId);
      },
      onFailure,
    });
  });
  const writer = new RecordWriter();
  for (const value of ['first', 'second']) {
    writer.begin(RecordKind.transaction, 1, journal.lastTxId + 1, clock.wallMs());
    writer.localCause(LocalCause.command, 'example');
    writer.putBytes(1, Buffer.from('key'), Buffer.from(value));
    writer.seal(journal.lastHash);
    journal.append(writer.bytes, writer.length); // 'accepted', 'back-pressured' or 'closed'
    checkpointer.append(journal.lastTxId, journal.appended.bytes, journal.appended.start, writer.length);
  }
  journal.commit();
  const stableTxId = await stable;
  await new Promise<void>((resolve) => checkpointer.flush(resolve));
  const value = Buffer.from(tables.get(1, Buffer.from('key')) ?? []).toString();
  await store.close();
  return { stableTxId, value };
}
