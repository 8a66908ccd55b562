import { AepError } from '@aep/kernel';
import type { VerifyReport } from '@aep/store';
import { ExitCode } from '../exit-code.js';
import type { StoreOptions } from '../options/store-options.js';
import { formatCount } from '../output/progress.js';
import type { Session } from '../session.js';
import { entryJson } from '../store/record-json.js';
import { type SelectedStore, withStore } from '../store/select-store.js';

/** Checks stores one after another; each is reported, and one that is bad does not keep the others from being checked. */
export async function verifyJournal(
  session: Session,
  paths: readonly string[],
  options: StoreOptions,
): Promise<ExitCode> {
  const stores: readonly (string | undefined)[] = paths.length === 0 ? [undefined] : paths;
  const documents: unknown[] = [];
  let isGood = true;
  for (const path of stores) {
    const { document, isSound } = await withStore(session, { path, options }, (store) => verifyOne(session, store));
    documents.push(document);
    isGood &&= isSound;
  }
  if (session.output.json) session.output.document(documents.length === 1 ? documents[0] : documents);
  return isGood ? ExitCode.ok : ExitCode.problemsFound;
}

async function verifyOne(session: Session, store: SelectedStore): Promise<{ document: unknown; isSound: boolean }> {
  const { output } = session;
  const progress = output.progress(`verifying ${store.path}`);
  const report = await store.reader.verify((done, total) => progress.update(done, total)).finally(() => progress.end());
  const isSound = report.bad === undefined && report.tables !== 'different';
  if (!output.json) for (const line of reportLines(session, store, report)) output.line(line);
  const { bad, difference, ...rest } = report;
  const entry =
    difference === undefined
      ? null
      : entryJson(store.types, difference.tableId, Buffer.from(difference.keyHex, 'hex'), undefined);
  const problem = bad === undefined ? null : { txId: bad.txId, ...bad.error.toJSON() };
  return {
    document: {
      ok: isSound,
      store: store.path,
      engine: store.reader.identity.engineName,
      ...rest,
      bad: problem,
      difference: entry,
    },
    isSound,
  };
}

function reportLines({ output }: Session, store: SelectedStore, report: VerifyReport): string[] {
  const { style } = output;
  const range =
    report.recordsChecked === 0
      ? 'no records'
      : `records ${report.firstTxId} to ${report.firstTxId + report.recordsChecked - 1}`;
  const seconds = (report.elapsedMs / 1_000).toFixed(1);
  if (report.bad !== undefined) {
    const { txId, error } = report.bad;
    return [
      `${style.red('BAD')}  ${store.path}: record ${txId}: ${error instanceof AepError ? `${error.code}: ` : ''}${error.message}`,
      `     ${range} before it are good, as far as they were looked at; records after it were not read. Take the store from another member or a backup.`,
    ];
  }
  if (report.difference !== undefined) {
    const { tableId, keyHex } = report.difference;
    const { collection, key } = entryJson(store.types, tableId, Buffer.from(keyHex, 'hex'), undefined);
    return [
      `${style.red('BAD')}  ${store.path}: the tables differ from the journal, first at ${collection} ${key === undefined ? `0x${keyHex}` : String(key)}`,
    ];
  }
  const tables =
    report.tables === 'equal'
      ? ', and the tables are what they make'
      : '; the tables were not compared (the journal no longer reaches back to record 1)';
  return [
    `${style.green('ok')}   ${store.path}: ${range} are good (${formatCount(report.recordsChecked)} in ${seconds} s)${tables}`,
  ];
}
