import { PatternMatcher } from '@aep/bus';

const CACHED_MAX = 10_000;
/** What a token of a subject may not hold, and the escape character itself. Other white space is harmless to the server, not to people. */
const FORBIDDEN = /[\s.*>%\p{Cc}]/gu;
/** Stands for an empty level; tokens may not be empty. */
const EMPTY_TOKEN = '%';

/** A level of a key, or a name, as one token of a subject: percent-encoded where it must be. */
export function toToken(level: string): string {
  if (level === '') return EMPTY_TOKEN;
  return level.replace(FORBIDDEN, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x80 ? `%${code.toString(16).toUpperCase().padStart(2, '0')}` : encodeURIComponent(character);
  });
}

/** The reverse of {@link toToken}; a token that a stranger wrote with a stray `%` stays as it is. */
export function fromToken(token: string): string {
  if (!token.includes('%')) return token;
  if (token === EMPTY_TOKEN) return '';
  try {
    return decodeURIComponent(token);
  } catch {
    return token;
  }
}

/**
 * The subjects of one channel: `<root>` for messages without a key, `<root>.<level>.<level>…` with one. The key of a
 * message is read from its subject, so a plain NATS client needs no header for it.
 */
export class ChannelSubjects {
  private readonly subjects = new Map<string, string>();
  private readonly keys = new Map<string, string>();

  constructor(readonly root: string) {}

  /** What a stream of this channel must take. */
  get all(): readonly string[] {
    return [this.root, `${this.root}.>`];
  }

  toSubject(key: string): string {
    let subject = this.subjects.get(key);
    if (subject !== undefined) return subject;
    subject = key === '' ? this.root : `${this.root}.${key.split('/').map(toToken).join('.')}`;
    return remember(this.subjects, key, subject);
  }

  toKey(subject: string): string {
    let key = this.keys.get(subject);
    if (key !== undefined) return key;
    key = subject
      .slice(this.root.length + 1)
      .split('.')
      .map(fromToken)
      .join('/');
    return remember(this.keys, subject, key);
  }
}

function remember(map: Map<string, string>, from: string, to: string): string {
  if (map.size >= CACHED_MAX) map.clear();
  map.set(from, to);
  return to;
}

/**
 * Key patterns as far as NATS can express them in one subject: the server sends what the filter takes, and `takes` says
 * what of that is wanted. A server of version 2.9 knows one filter per consumer, and none knows a part of a level.
 */
export class KeyFilter {
  /** Undefined: everything of the channel, messages without a key too. */
  readonly subject: string | undefined;
  private readonly matcher = new PatternMatcher<true>();
  private readonly isExact: boolean;

  constructor(root: string, patterns: readonly string[]) {
    for (const pattern of patterns) this.matcher.add(pattern, true);
    const isWhole = patterns.length === 0 || patterns.some((pattern) => pattern === '' || pattern === '**');
    const tokens = isWhole ? undefined : patterns.map(patternTokens).reduce(widen);
    this.subject = tokens === undefined ? undefined : [root, ...tokens].join('.');
    this.isExact = isWhole || (patterns.length === 1 && !/\*\*|[^/]\*|\*[^/]/.test(patterns[0]!));
  }

  takes(key: string): boolean {
    return this.isExact || this.matcher.match(key).length > 0;
  }
}

/** `**` takes no level too, which `>` does not: the level before it is given up. */
function patternTokens(pattern: string): readonly string[] {
  const levels = pattern.split('/');
  if (levels.at(-1) === '**') return [...levels.slice(0, -2).map(patternToken), '>'];
  return levels.map(patternToken);
}

function patternToken(level: string): string {
  return level.includes('*') ? '*' : toToken(level);
}

/** The narrowest filter that takes what both take. `>` takes one token or more. */
function widen(a: readonly string[], b: readonly string[]): readonly string[] {
  const isOpen = a.length !== b.length || a.at(-1) === '>' || b.at(-1) === '>';
  const length = isOpen ? Math.min(a.length, b.length) - 1 : a.length;
  const tokens = Array.from({ length }, (_, index) => (a[index] === b[index] ? a[index]! : '*'));
  return isOpen ? [...tokens, '>'] : tokens;
}
