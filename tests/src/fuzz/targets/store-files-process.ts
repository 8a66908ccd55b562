import process from 'node:process';
import { createInterface } from 'node:readline';
import { checkStore } from '@aep/store-lmdb/internal';

/**
 * What the child process of a verified open does, again and again: for each line of the input, a directory, one line of JSON.
 * It may die of any of them; whoever started it starts another.
 */
for await (const path of createInterface({ input: process.stdin })) {
  const result = await checkStore({ task: 'check', path, mapSizeBytes: 16 * 1024 * 1024, tailRecords: 1_000 });
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
process.exit();
