import { AepError, type SeededRandom } from '@aep/kernel';

/**
 * Something that takes input from outside, as a fuzz run sees it. An input is always bytes, so that every finding can be
 * printed as hex and run again; a target of text decodes them.
 */
export interface FuzzTarget {
  readonly name: string;
  /** Valid inputs: every input is made from these. */
  readonly seeds: readonly Uint8Array[];
  /** Pieces that the format is made of, for the mutator to put in. */
  readonly tokens: readonly Uint8Array[];
  /** Executions in the ordinary test run, chosen so that each target takes about a second. */
  readonly testRuns: number;
  /** An execution may take so long, where that is not 100 ms: a process is started for some of them. @default 100 */
  readonly executionMsMax?: number;
  /**
   * Uses the input in every way that its receiver would. Returning is right, and so is a thrown error with a code; whatever
   * else is thrown is a finding. Depends on nothing but the input.
   */
  run(input: Uint8Array): void | Promise<void>;
  /** Makes checksums and lengths right again, so that a mutation gets past the first check. Is given most inputs. */
  repair?(input: Uint8Array, random: SeededRandom): Uint8Array;
  close?(): void;
}

/** Targets by name; what a target needs is made when it is opened. */
export interface FuzzTargetMaker {
  readonly name: string;
  open(): FuzzTarget | Promise<FuzzTarget>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export function bytesOfText(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Bytes that are no UTF-8 become replacement characters, as they do when a file is read as text. */
export function textOfBytes(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

export function tokensOf(...texts: readonly string[]): Uint8Array[] {
  return texts.map((text) => encoder.encode(text));
}

/** A number that the input alone decides: for choices of a target that are no part of its format. */
export function choiceOf(input: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of input) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

const PIECES_MAX = 500;

/** The input in pieces, as a network or a file gives it. */
export function* piecesOf(input: Uint8Array): Generator<Uint8Array> {
  const choice = choiceOf(input);
  // At most some hundred pieces: a piece has a price of its own, which says nothing of the input.
  const least = Math.ceil(input.length / PIECES_MAX);
  // Whole, in small pieces of one size, or in two halves: each way takes other paths through a reader of streams.
  const size = [input.length, Math.max(least, 1 + (choice % 13)), Math.ceil(input.length / 2)][choice % 3]!;
  for (let at = 0; at < input.length; at += size) yield input.slice(at, at + size);
}

/** The error with a code that the call ends with; anything else that is thrown goes on. */
export function refusalOf(call: () => unknown): AepError | undefined {
  try {
    call();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof AepError && thrown.code !== 'AEP_ASSERTION') return thrown;
    throw thrown;
  }
}
