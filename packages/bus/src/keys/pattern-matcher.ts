import { LevelGlob, PartialLevels } from './partial-levels.js';
import { checkPattern, isCatchAll, keyLevels } from './pattern-syntax.js';

/**
 * Finds the subscriptions that a key matches: a trie over the levels of the key, so the cost depends on the depth of the
 * key and not on the number of subscriptions. `*` takes one level, text with `*` inside takes a part of one, `**` as the last level
 * takes any levels that are left (none too). Answers for recent keys are remembered until a subscription changes.
 */
export class PatternMatcher<T> {
  private readonly root = new LevelNode<T>();
  private readonly recent = new Map<string, readonly T[]>();
  private count = 0;
  /** Subscriptions that take every key; when they are all there are, no key is looked at. */
  private catchAlls = 0;
  private everyKey: readonly T[] | undefined;

  /** @param recentMax keys whose answer is remembered; when it is reached all are forgotten. @default 10_000 */
  constructor(private readonly recentMax = 10_000) {}

  /** Subscriptions added and not removed. */
  get size(): number {
    return this.count;
  }

  /** Adds a subscription; adding the same pair again counts again. @throws AEP_PATTERN_INVALID (reject) */
  add(pattern: string, value: T): void {
    checkPattern(pattern);
    const { node, isTail } = this.walk(pattern);
    (isTail ? node.tails : node.values).push(value);
    this.changed(node, isTail, 1);
  }

  /** Takes one subscription away; false when there is none. Empty branches stay for the next subscription of that shape. */
  remove(pattern: string, value: T): boolean {
    checkPattern(pattern);
    const { node, isTail } = this.walk(pattern);
    const values = isTail ? node.tails : node.values;
    const index = values.indexOf(value);
    if (index < 0) return false;
    values.splice(index, 1);
    this.changed(node, isTail, -1);
    return true;
  }

  /** Each matching value once, in the order of the levels. The array is shared: do not keep or change it. */
  match(key: string): readonly T[] {
    if (this.catchAlls === this.count) return (this.everyKey ??= [...new Set(this.root.tails)]);
    const known = this.recent.get(key);
    if (known !== undefined) return known;
    const found = new Set<T>();
    collect(this.root, keyLevels(key), 0, found);
    const values = [...found];
    if (this.recent.size >= this.recentMax) this.recent.clear();
    this.recent.set(key, values);
    return values;
  }

  private changed(node: LevelNode<T>, isTail: boolean, step: 1 | -1): void {
    this.count += step;
    if (isTail && node === this.root) this.catchAlls += step;
    this.everyKey = undefined;
    this.recent.clear();
  }

  private walk(pattern: string): { node: LevelNode<T>; isTail: boolean } {
    if (isCatchAll(pattern)) return { node: this.root, isTail: true };
    let node = this.root;
    for (const level of pattern.split('/')) {
      if (level === '**') return { node, isTail: true };
      node = node.childFor(level);
    }
    return { node, isTail: false };
  }
}

class LevelNode<T> {
  /** Subscriptions that end here. */
  readonly values: T[] = [];
  /** Subscriptions that end here with `**`. */
  readonly tails: T[] = [];
  readonly exact = new Map<string, LevelNode<T>>();
  any: LevelNode<T> | undefined;
  partial: PartialLevels<LevelNode<T>> | undefined;

  childFor(level: string): LevelNode<T> {
    if (level === '*') return (this.any ??= new LevelNode());
    if (level.includes('*')) {
      this.partial ??= new PartialLevels();
      return this.partial.getOrAdd(new LevelGlob(level), () => new LevelNode());
    }
    let child = this.exact.get(level);
    if (child === undefined) {
      child = new LevelNode();
      this.exact.set(level, child);
    }
    return child;
  }
}

function collect<T>(node: LevelNode<T>, levels: readonly string[], depth: number, found: Set<T>): void {
  for (const value of node.tails) found.add(value);
  if (depth === levels.length) {
    for (const value of node.values) found.add(value);
    return;
  }
  const level = levels[depth]!;
  const exact = node.exact.get(level);
  if (exact !== undefined) collect(exact, levels, depth + 1, found);
  if (node.any !== undefined) collect(node.any, levels, depth + 1, found);
  node.partial?.forEachMatch(level, (child) => collect(child, levels, depth + 1, found));
}
