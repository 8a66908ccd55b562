import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import process from 'node:process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

/** `AEP_OVERLOAD_SECONDS=180` for minutes of it. */
const SECONDS = Number(process.env['AEP_OVERLOAD_SECONDS'] ?? 4);
const HEAP_MIB_MAX = 96;
/** Between the two halves of an overload the largest heap may differ by what the collector left lying about. */
const HEAP_NOISE_MIB = 24;
/** Other tests run beside this one: the time after the overload may differ from the one before by so much. */
const SLOWER_MAX = 3;
const SLOWER_MS_MAX = 500;
const MAIN = fileURLToPath(new URL('./src/bounds/overload-process.js', import.meta.url));

interface Half {
  readonly queue: number;
  readonly inFlight: number;
  readonly heapMiB: number;
}

interface Outcome {
  /** During the overload. */
  readonly accepted: number;
  readonly refused: number;
  readonly acceptedInAll: number;
  readonly handled: number;
  readonly drainMs: number;
  /** The same work before and after the overload. */
  readonly beforeMs: number;
  readonly afterMs: number;
  readonly queueMax: number;
  readonly halves: readonly [Half, Half];
}

for (const slow of ['consumer', 'bus', 'disk'] as const) {
  test(`more than ten times what a slow ${slow} can take: queues stay within their limits, memory is flat, all that was accepted is handled, and afterwards it is as fast as before (E43, E93)`, async (context) => {
    const { accepted, refused, acceptedInAll, handled, drainMs, beforeMs, afterMs, queueMax, halves } =
      await overload(slow);
    const [first, second] = halves;
    context.diagnostic(
      `numbers: ${SECONDS} s of a slow ${slow}: ${accepted} accepted, ${refused} refused, drained in ${drainMs} ms; heap ${first.heapMiB} and ${second.heapMiB} MiB, queue ${second.queue}, in flight ${second.inFlight}; ${beforeMs} ms before, ${afterMs} ms after`,
    );
    assert.ok(refused > accepted * 9, 'not ten times of what was taken was offered');
    assert.equal(handled, acceptedInAll);
    for (const half of halves) assert.ok(half.queue <= queueMax && half.inFlight <= queueMax, JSON.stringify(half));
    assert.ok(afterMs <= beforeMs * SLOWER_MAX + SLOWER_MS_MAX, `${beforeMs} ms before, ${afterMs} ms after`);
    assert.ok(second.heapMiB <= first.heapMiB + HEAP_NOISE_MIB, 'memory grows');
  });
}

function overload(slow: string): Promise<Outcome> {
  const args = [`--max-old-space-size=${HEAP_MIB_MAX}`, '--enable-source-maps', MAIN, slow, String(SECONDS)];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { timeout: SECONDS * 1_000 + 60_000 }, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout) as Outcome);
      else reject(new Error(`${error.message}\n${stderr}`));
    });
  });
}
