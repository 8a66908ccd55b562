import process from 'node:process';
import type { Reading } from './reading.js';
import { formatCount } from './summary.js';

const INTERVAL_MS = 100;

/** Shows on a terminal how far the reading is; elsewhere nothing. Answers a function that ends it. */
export function showProgress(reading: Reading, stream = process.stderr): () => void {
  if (!stream.isTTY) return () => undefined;
  const show = (): void => {
    const { bytesRead, bytesTotal, entries, duplicates } = reading;
    const percent = bytesTotal === 0 ? 0 : Math.floor((100 * bytesRead) / bytesTotal);
    const known = duplicates === 0 ? '' : ` (${formatCount(duplicates)} known from an earlier run)`;
    stream.write(`\r\u001B[K${String(percent).padStart(3)} %  ${formatCount(entries)} lines${known}`);
  };
  const timer = setInterval(show, INTERVAL_MS);
  return () => {
    clearInterval(timer);
    stream.write('\r\u001B[K');
  };
}
