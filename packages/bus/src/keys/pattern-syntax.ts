import { AepError } from '@aep/kernel';
import { LevelGlob } from './partial-levels.js';

const PATTERN_LENGTH_MAX = 4096;
const PATTERN_LEVELS_MAX = 128;

/** Takes every key, an empty one too. */
export function isCatchAll(pattern: string): boolean {
  return pattern === '' || pattern === '**';
}

/** The levels of a key; a null (empty) key has none, which only a catch-all pattern takes. */
export function keyLevels(key: string): readonly string[] {
  return key === '' ? [] : key.split('/');
}

/** @throws AEP_PATTERN_INVALID (reject) */
export function checkPattern(pattern: string): void {
  if (pattern.length > PATTERN_LENGTH_MAX) throw invalid(pattern, `more than ${PATTERN_LENGTH_MAX} characters`);
  const levels = pattern.split('/');
  if (levels.length > PATTERN_LEVELS_MAX) throw invalid(pattern, `more than ${PATTERN_LEVELS_MAX} levels`);
  for (const [index, level] of levels.entries()) {
    if (level === '**' && index < levels.length - 1) throw invalid(pattern, '"**" may only be the last level');
    if (level !== '**' && level.includes('**')) throw invalid(pattern, '"**" must be a level of its own');
  }
}

/** Does one key match one pattern: the plain definition, which the trie is tested against. */
export function patternMatches(pattern: string, key: string): boolean {
  if (isCatchAll(pattern)) return true;
  const wanted = pattern.split('/');
  const levels = keyLevels(key);
  for (const [index, level] of wanted.entries()) {
    if (level === '**') return true;
    if (index >= levels.length || !levelMatches(level, levels[index]!)) return false;
  }
  return wanted.length === levels.length;
}

function levelMatches(level: string, text: string): boolean {
  return level.includes('*') ? new LevelGlob(level).matches(text) : level === text;
}

function invalid(pattern: string, why: string): AepError {
  const shown = pattern.length > 200 ? `${pattern.slice(0, 200)}…` : pattern;
  return new AepError('AEP_PATTERN_INVALID', 'reject', `key pattern "${shown}": ${why}`, { pattern: shown });
}
