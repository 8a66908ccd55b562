import { SeededRandom } from '@aep/kernel';
import { parseReport } from './store-check.js';
import type { StoreFile, TraceStep } from './write-trace.js';

/** What the disk may hold after a power loss, and what must be in it. */
export interface CrashState {
  /** For messages: where the power went, and what became of the writes under way. */
  readonly description: string;
  readonly files: ReadonlyMap<StoreFile, Buffer>;
  readonly stableTxId: number;
}

type Write = TraceStep & { readonly kind: 'write' };

/** The smallest unit that a disk writes whole. */
const SECTOR_BYTES = 512;
const PAGE_BYTES = 4096;

/** What becomes of the writes that no sync covers. */
const FATES = ['none', 'all', 'first ones', 'some writes', 'some pages', 'some sectors', 'all but one'] as const;
type Fate = (typeof FATES)[number];

/**
 * Rebuilds states that a recorded run allows (H35): the power goes at any step; what was synced before is there; of each
 * write since, any part may be, by sectors, in any order; a file may already have its later length, with zeros.
 * State number `i` of `count` is the same for the same seed.
 */
export class CrashStates {
  private readonly firstStep: number;
  /** The files with everything that is surely on the disk at `durableAt`. */
  private readonly durable = new Map<StoreFile, GrowingFile>([
    ['journal', new GrowingFile()],
    ['state', new GrowingFile()],
  ]);
  private durableAt = 0;
  private pending: { readonly step: number; readonly write: Write }[] = [];
  private report = '';

  constructor(
    private readonly steps: readonly TraceStep[],
    private readonly seed: number,
    private readonly count: number,
  ) {
    this.firstStep = steps.findIndex(({ kind }) => kind === 'made') + 1;
    if (this.firstStep === 0) throw new Error('the trace does not show the end of the making of the store');
  }

  /** States have to be asked for in rising order. */
  state(index: number): CrashState {
    const random = new SeededRandom(this.seed + index);
    const crashAt = this.firstStep + Math.floor((index * (this.steps.length - this.firstStep)) / this.count);
    while (this.durableAt < crashAt) this.advance(this.steps[this.durableAt]!, this.durableAt++);
    const under = this.pending.map(({ write }) => write);
    // The call during which the power goes may have done a part of its work.
    const current = this.steps[crashAt];
    if (current?.kind === 'write') under.push(current);
    const fate = FATES[random.below(FATES.length)]!;
    const isLong = random.below(4) === 0;
    const files = new Map(
      [...this.durable].map(([name, file]) => [name, file.copy(isLong ? lengthOf(under, name) : 0)]),
    );
    const doomed = random.below(Math.max(1, under.length));
    const kept = random.below(under.length + 1);
    under.forEach((write, at) => {
      const isWhole =
        fate === 'all' || (fate === 'first ones' && at < kept) || (fate === 'all but one' && at !== doomed);
      applyParts(files.get(write.file)!, write, (): boolean => isWhole || chance(fate, random), unitOf(fate));
    });
    return {
      description: `seed ${this.seed + index}, step ${crashAt}: of ${under.length} writes under way ${fate}`,
      files: new Map([...files].map(([name, file]) => [name, file.bytes])),
      stableTxId: parseReport(this.report).stableTxId,
    };
  }

  private advance(step: TraceStep, at: number): void {
    if (step.kind === 'report') this.report += step.text;
    if (step.kind === 'write') {
      if (step.isSynced) this.durable.get(step.file)!.write(step.offset, step.bytes);
      else this.pending.push({ step: at, write: step });
    }
    if (step.kind !== 'sync') return;
    const isCovered = ({ step: written, write }: (typeof this.pending)[number]): boolean =>
      write.file === step.file && written < step.since;
    for (const { write } of this.pending.filter((entry) => isCovered(entry)))
      this.durable.get(write.file)!.write(write.offset, write.bytes);
    this.pending = this.pending.filter((entry) => !isCovered(entry));
  }
}

/** Whether one unit of a write made it, where the fate leaves it to chance. */
function chance(fate: Fate, random: SeededRandom): boolean {
  return fate.startsWith('some') && random.below(2) === 0;
}

function unitOf(fate: Fate): number {
  if (fate === 'some sectors') return SECTOR_BYTES;
  return fate === 'some pages' ? PAGE_BYTES : Infinity;
}

function applyParts(file: GrowingFile, { offset, bytes }: Write, isThere: () => boolean, unit: number): void {
  for (let start = 0; start < bytes.length;) {
    // Units lie at fixed places of the disk, wherever the write begins.
    const end = unit === Infinity ? bytes.length : Math.min(bytes.length, start + unit - ((offset + start) % unit));
    if (isThere()) file.write(offset + start, bytes.subarray(start, end));
    start = end;
  }
}

function lengthOf(writes: readonly Write[], file: StoreFile): number {
  return Math.max(
    0,
    ...writes.filter((write) => write.file === file).map(({ offset, bytes }) => offset + bytes.length),
  );
}

/** A file in memory. */
class GrowingFile {
  constructor(
    private buffer = Buffer.alloc(64 * 1024),
    private length = 0,
  ) {}

  get bytes(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  write(offset: number, bytes: Buffer): void {
    const end = offset + bytes.length;
    if (end > this.buffer.length) {
      const larger = Buffer.alloc(Math.max(end, this.buffer.length * 2));
      this.buffer.copy(larger, 0, 0, this.length);
      this.buffer = larger;
    }
    bytes.copy(this.buffer, offset);
    this.length = Math.max(this.length, end);
  }

  copy(lengthMin: number): GrowingFile {
    const length = Math.max(this.length, lengthMin);
    const buffer = Buffer.alloc(length);
    this.buffer.copy(buffer, 0, 0, this.length);
    return new GrowingFile(buffer, length);
  }
}
