/** One level of a pattern with wildcards inside it, such as `A-*.*`: each `*` takes any characters of that level, none too. */
export class LevelGlob {
  readonly prefix: string;
  readonly suffix: string;
  private readonly middles: readonly string[];
  private readonly lengthMin: number;

  constructor(readonly text: string) {
    const pieces = text.split('*');
    this.prefix = pieces[0]!;
    this.suffix = pieces.at(-1)!;
    this.middles = pieces.slice(1, -1).filter((piece) => piece !== '');
    this.lengthMin = text.length - (pieces.length - 1);
  }

  /** Leftmost matches suffice for `*`, so this never goes back: linear in the level whatever the pattern is. */
  matches(level: string): boolean {
    if (level.length < this.lengthMin || !level.startsWith(this.prefix) || !level.endsWith(this.suffix)) return false;
    let at = this.prefix.length;
    for (const middle of this.middles) {
      const found = level.indexOf(middle, at);
      if (found < 0) return false;
      at = found + middle.length;
    }
    return at <= level.length - this.suffix.length;
  }
}

interface Shape<N> {
  readonly prefixLength: number;
  readonly suffixLength: number;
  /** By prefix, `*`, suffix: neither can hold a `*`. */
  readonly entries: Map<string, { glob: LevelGlob; node: N }[]>;
}

/**
 * The partial wildcards of one level, found by their literal ends: patterns of a template have few shapes (lengths of
 * prefix and suffix) but may have thousands of texts.
 */
export class PartialLevels<N> {
  private readonly shapes: Shape<N>[] = [];

  getOrAdd(glob: LevelGlob, make: () => N): N {
    const shape = this.shapeOf(glob);
    const ends = `${glob.prefix}*${glob.suffix}`;
    let entries = shape.entries.get(ends);
    if (entries === undefined) {
      entries = [];
      shape.entries.set(ends, entries);
    }
    let entry = entries.find((candidate) => candidate.glob.text === glob.text);
    if (entry === undefined) {
      entry = { glob, node: make() };
      entries.push(entry);
    }
    return entry.node;
  }

  forEachMatch(level: string, visit: (node: N) => void): void {
    for (const shape of this.shapes) {
      if (level.length < shape.prefixLength + shape.suffixLength) continue;
      const suffix = level.slice(level.length - shape.suffixLength);
      const entries = shape.entries.get(`${level.slice(0, shape.prefixLength)}*${suffix}`);
      if (entries === undefined) continue;
      for (const entry of entries) if (entry.glob.matches(level)) visit(entry.node);
    }
  }

  private shapeOf(glob: LevelGlob): Shape<N> {
    const prefixLength = glob.prefix.length;
    const suffixLength = glob.suffix.length;
    let shape = this.shapes.find((other) => other.prefixLength === prefixLength && other.suffixLength === suffixLength);
    if (shape === undefined) {
      shape = { prefixLength, suffixLength, entries: new Map() };
      this.shapes.push(shape);
    }
    return shape;
  }
}
