/** Entries of byte keys in tables, by number. */
export interface KeyedEntries {
  readonly size: number;
  readonly tableIds: Uint16Array;
  /** Holds the keys of all entries. */
  readonly keys: Uint8Array;
  startOf(entry: number): number;
  endOf(entry: number): number;
}

/**
 * The entries in order of table, then key. A comparison function per pair would cost more than all the rest of a checkpoint:
 * instead some bytes of each key and the entry's number are packed into one double, and doubles are sorted natively. Only
 * entries that agree in those bytes are looked at again, further behind.
 */
export function sortedByKey(entries: KeyedEntries): Uint32Array {
  const order = new Uint32Array(entries.size);
  let from = 0;
  for (const group of byTable(entries)) {
    order.set(group, from);
    sortRange(entries, order, from, from + group.length);
    from += group.length;
  }
  return order;
}

function byTable({ size, tableIds }: KeyedEntries): number[][] {
  const groups = new Map<number, number[]>();
  for (let entry = 0; entry < size; entry++) {
    const group = groups.get(tableIds[entry]!);
    if (group === undefined) groups.set(tableIds[entry]!, [entry]);
    else group.push(entry);
  }
  return [...groups].sort(([left], [right]) => left - right).map(([, group]) => group);
}

/** Sorts `order[from, to)`. The keys are of one table and agree in nothing that is known. */
function sortRange(entries: KeyedEntries, order: Uint32Array, from: number, to: number): void {
  const count = to - from;
  if (count <= FEW) return sortFew(entries, order, from, to);
  const depth = sharedLength(entries, order, from, to);
  // A double holds 53 bits exactly: the number within the range below, as many bytes of the key as fit above.
  const numberScale = 2 ** Math.ceil(Math.log2(count));
  const rankBytes = Math.floor(Math.log2(2 ** 53 / numberScale) / 9);
  const ranked = new Float64Array(count);
  for (let index = 0; index < count; index++)
    ranked[index] = rankOf(entries, order[from + index]!, depth, rankBytes) * numberScale + index;
  ranked.sort();
  const before = order.slice(from, to);
  let runStart = 0;
  let runRank = -1;
  for (let index = 0; index < count; index++) {
    const rank = Math.floor(ranked[index]! / numberScale);
    order[from + index] = before[ranked[index]! - rank * numberScale]!;
    if (rank === runRank) continue;
    if (index - runStart > 1) sortRange(entries, order, from + runStart, from + index);
    runStart = index;
    runRank = rank;
  }
  if (runStart > 0 && count - runStart > 1) sortRange(entries, order, from + runStart, to);
}

/** `count` bytes from `depth` on as one number. The end of a key sorts before any byte, so bytes count from 1. */
function rankOf(entries: KeyedEntries, entry: number, depth: number, count: number): number {
  const { keys } = entries;
  const end = entries.endOf(entry);
  let rank = 0;
  for (let at = entries.startOf(entry) + depth, left = count; left > 0; at++, left--)
    rank = rank * 512 + (at < end ? keys[at]! + 1 : 0);
  return rank;
}

/** How many bytes all keys of the range begin with in common. */
function sharedLength(entries: KeyedEntries, order: Uint32Array, from: number, to: number): number {
  const { keys } = entries;
  const first = order[from]!;
  const start = entries.startOf(first);
  let shared = entries.endOf(first) - start;
  for (let index = from + 1; index < to && shared > 0; index++) {
    const other = order[index]!;
    const otherStart = entries.startOf(other);
    const length = Math.min(shared, entries.endOf(other) - otherStart);
    for (shared = 0; shared < length && keys[start + shared] === keys[otherStart + shared];) shared++;
  }
  return shared;
}

function sortFew(entries: KeyedEntries, order: Uint32Array, from: number, to: number): void {
  for (let sorted = from + 1; sorted < to; sorted++) {
    const entry = order[sorted]!;
    let place = sorted;
    for (; place > from && compareKeys(entries, order[place - 1]!, entry) > 0; place--)
      order[place] = order[place - 1]!;
    order[place] = entry;
  }
}

function compareKeys(entries: KeyedEntries, left: number, right: number): number {
  const { keys } = entries;
  const leftStart = entries.startOf(left);
  const rightStart = entries.startOf(right);
  const leftLength = entries.endOf(left) - leftStart;
  const rightLength = entries.endOf(right) - rightStart;
  const length = Math.min(leftLength, rightLength);
  for (let index = 0; index < length; index++) {
    const difference = keys[leftStart + index]! - keys[rightStart + index]!;
    if (difference !== 0) return difference;
  }
  return leftLength - rightLength;
}

/** Up to here comparing pairs is cheaper. */
const FEW = 6;
