import { AepError } from '@aep/kernel';

/** Limits of a journal; what a person may write. */
export interface JournalOptions {
  /** Records of one commit (E33). @default 65536 */
  readonly commitBatchMax?: number;
  /** Bytes that may wait for the commit in flight; beyond it `append` answers 'back-pressured'. @default 16 MiB */
  readonly waitingBytesMax?: number;
  /** Bytes packed into one value of the medium. @default 256 KiB */
  readonly runBytesMax?: number;
  /** A commit that takes longer counts as failed (S3). @default 10000 ms */
  readonly commitStallMs?: number;
  /** How often a journal that lacks space looks again (S4). @default 250 ms */
  readonly spaceRecheckMs?: number;
}

export type ConcludedJournalOptions = Readonly<Required<JournalOptions>>;

/** @throws AEP_OPTION_INVALID naming the option, the value and the range */
export function concludeJournalOptions(options: JournalOptions): ConcludedJournalOptions {
  return Object.freeze({
    commitBatchMax: within('commitBatchMax', options.commitBatchMax ?? 65_536, 1, 1_000_000),
    waitingBytesMax: within('waitingBytesMax', options.waitingBytesMax ?? 16 * 1024 * 1024, 4_096, 2 ** 31),
    runBytesMax: within('runBytesMax', options.runBytesMax ?? 256 * 1024, 1_024, 64 * 1024 * 1024),
    commitStallMs: within('commitStallMs', options.commitStallMs ?? 10_000, 10, 3_600_000),
    spaceRecheckMs: within('spaceRecheckMs', options.spaceRecheckMs ?? 250, 1, 60_000),
  });
}

/** An option's value, when it lies in [least, most]. @throws AEP_OPTION_INVALID */
export function within(name: string, value: number, least: number, most: number): number {
  if (Number.isFinite(value) && value >= least && value <= most) return value;
  throw new AepError('AEP_OPTION_INVALID', 'reject', `${name}: expected ${least}..${most}, got ${value}`, {
    name,
    value,
  });
}
