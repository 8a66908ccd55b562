import { join } from 'node:path';
import { Histogram } from '@aep/kernel';
import { type CaseContext, type CaseResult, scaled } from './case.js';
import { BareCommits } from './commit-times.js';
import type { EnginePair } from './engine-pair.js';
import { pause, rounded } from './micro.js';

const MESSAGES = 1_000;
const WARM_UP = 20_000;
/** A broker and an engine still write for the last message when it is done with: that is not to be charged to the next. */
const PAUSE_MS = 3;

/** The client alone. */
export interface RoundTrips {
  saturate(bodies: readonly Uint8Array[], count: number): Promise<number>;
  /** Milliseconds from the publishing of one message to its arrival. */
  roundTrip(body: Uint8Array): Promise<number>;
}

/**
 * One message at a time: through the engines, by the client alone, then one blocking commit, in turns and with a pause before
 * each, so that all three meet the same disk and the same processors. Waking these up costs more than what a commit takes when
 * it follows another, so the commit that counts here is one after a pause.
 */
export async function oneInFlight(
  context: CaseContext,
  pair: EnginePair,
  client: RoundTrips,
  body: Uint8Array,
): Promise<CaseResult> {
  const [pairUs, stableUs] = [new Histogram(), new Histogram()];
  const [clientUs, commitUs] = [new Histogram(), new Histogram()];
  // The code of both gets hot.
  await pair.saturate(scaled(context, WARM_UP));
  await client.saturate([body], scaled(context, WARM_UP));
  const commits = new BareCommits(join(context.directory, 'commits'), commitUs);
  for (let left = scaled(context, MESSAGES); left > 0; left--) {
    await pause(PAUSE_MS);
    const { stableMs, handledMs } = await pair.roundTrip();
    await pause(PAUSE_MS);
    const clientMs = await client.roundTrip(body);
    await pause(PAUSE_MS);
    commits.once();
    stableUs.record(stableMs * 1000);
    pairUs.record(handledMs * 1000);
    clientUs.record(clientMs * 1000);
  }
  await commits.close();
  const p50 = (tookUs: Histogram) => tookUs.percentile(50) / 1000;
  const added = p50(pairUs) - p50(clientUs);
  return {
    figures: [
      { name: 'engine to engine p50', value: rounded(p50(pairUs)), unit: 'ms' },
      { name: 'of it: sender stable p50', value: rounded(p50(stableUs)), unit: 'ms' },
      { name: 'client alone p50', value: rounded(p50(clientUs)), unit: 'ms' },
      { name: 'one blocking commit p50', value: rounded(p50(commitUs)), unit: 'ms' },
    ],
    ratios: [
      {
        name: 'added at p50',
        value: rounded(added / p50(commitUs)),
        against: 'one blocking LMDB commit at the same pace',
        goal: { atMost: 1 },
      },
      { name: 'added at p50', value: rounded(added / p50(stableUs)), against: "the sender's own synced transaction" },
    ],
  };
}
