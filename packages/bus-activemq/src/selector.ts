import { patternMatches } from '@aep/bus';

/** Header of a message's key. A selector can only name what would be a name in Java, so there is no "-" in this one. */
export const KEY_HEADER = 'aep_key';

/**
 * A JMS selector that takes at least the keys of the patterns, undefined when they take all. It cannot say everything that a pattern
 * says, so the receiver looks again.
 */
export function selectorOf(patterns: readonly string[]): string | undefined {
  if (patterns.some((pattern) => pattern === '' || pattern === '**')) return undefined;
  return patterns.map(conditionOf).join(' OR ');
}

function conditionOf(pattern: string): string {
  if (!pattern.includes('*')) return `${KEY_HEADER} = '${quoted(pattern)}'`;
  const open = pattern.endsWith('/**');
  const levels = open ? pattern.slice(0, -3) : pattern;
  const like = quoted(levels)
    .replaceAll(/[%_\\]/g, String.raw`\$&`)
    .replaceAll('*', '%');
  const escape = like.includes('\\') ? String.raw` ESCAPE '\'` : '';
  const taken = `${KEY_HEADER} LIKE '${like}'${escape}`;
  return open ? `(${taken} OR ${KEY_HEADER} LIKE '${like}/%'${escape})` : taken;
}

function quoted(text: string): string {
  return text.replaceAll("'", "''");
}

/** Keys of a subscriber, decided once each. */
export class KeyFilter {
  private readonly patterns = new Set<string>();
  private readonly known = new Map<string, boolean>();

  add(patterns: readonly string[]): void {
    for (const pattern of patterns) this.patterns.add(pattern);
    this.known.clear();
  }

  get all(): readonly string[] {
    return [...this.patterns];
  }

  matches(key: string): boolean {
    let matches = this.known.get(key);
    if (matches === undefined) {
      matches = this.all.some((pattern) => patternMatches(pattern, key));
      if (this.known.size >= KNOWN_MAX) this.known.clear();
      this.known.set(key, matches);
    }
    return matches;
  }
}

const KNOWN_MAX = 4096;
