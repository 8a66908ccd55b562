import { LineIndex } from './line-index.js';

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where a start tag stands, and each of its attributes by written name. */
export interface TagPosition extends Position {
  readonly attributes: ReadonlyMap<string, Position>;
}

/** A start tag without its end tag, and the end tag at which that shows; the end of the file when there is none. */
export interface UnclosedTag {
  readonly name: string;
  readonly opened: Position;
  readonly noticed: { readonly at: Position; readonly tag: string } | undefined;
}

const OPEN_TAGS_MAX = 500;

/** The end of what starts with each of these; nothing in between is a tag. */
const SKIPPED: ReadonlyArray<readonly [start: string, end: string]> = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
];

const START_NAME = /<[^\s/>]+/y;
const ATTRIBUTE = /\s+([^\s=/>]+)\s*=\s*(?:"[^"]*"|'[^']*')/y;
const SELF_CLOSING = /\s*\//y;
const END_TAG = /<\/([^\s>]*)/y;

/**
 * Start tags of a document in their order. The parser tells lines of elements only, and no columns; this finds both,
 * and those of attributes. It relies on the parser having accepted the text, and on there being no DTD: then the n-th
 * start tag of the text is the n-th element of the document.
 */
export function locateTags(text: string): TagPosition[] {
  const lines = new LineIndex(text);
  const positions: TagPosition[] = [];
  for (const tag of scanTags(text)) {
    if (tag.kind === 'end') continue;
    const attributes = new Map(tag.attributes.map(([name, offset]) => [name, lines.at(offset)]));
    positions.push({ ...lines.at(tag.offset), attributes });
  }
  return positions;
}

/**
 * Start tags that are not closed. Where an end tag closes an outer element, those inside it are the unclosed ones; the
 * parser would go on to complain about every end tag that follows.
 */
export function findUnclosedTags(text: string): UnclosedTag[] {
  const lines = new LineIndex(text);
  const unclosed: UnclosedTag[] = [];
  const open: Tag[] = [];
  for (const tag of scanTags(text)) {
    if (tag.kind === 'start' && tag.name !== '') open.push(tag);
    // Nobody nests this deep; every end tag looks through all of them.
    if (open.length > OPEN_TAGS_MAX) break;
    if (tag.kind !== 'end') continue;
    const partner = open.findLastIndex((candidate) => candidate.name === tag.name);
    // An end tag without a start tag is none of our business; the parser reports it.
    if (partner === -1) continue;
    const noticed = { at: lines.at(tag.offset), tag: tag.name };
    for (const inner of open.splice(partner).slice(1)) {
      unclosed.push({ name: inner.name, opened: lines.at(inner.offset), noticed });
    }
  }
  for (const tag of open) unclosed.push({ name: tag.name, opened: lines.at(tag.offset), noticed: undefined });
  return unclosed;
}

interface Tag {
  readonly kind: 'start' | 'empty' | 'end';
  readonly name: string;
  readonly offset: number;
  readonly attributes: readonly (readonly [name: string, offset: number])[];
}

function* scanTags(text: string): Generator<Tag> {
  let offset = text.indexOf('<');
  while (offset !== -1) {
    const skipped = SKIPPED.find(([start]) => text.startsWith(start, offset));
    if (skipped !== undefined) {
      const end = text.indexOf(skipped[1], offset + skipped[0].length);
      offset = end === -1 ? -1 : text.indexOf('<', end);
      continue;
    }
    const { tag, end } = text.startsWith('</', offset) ? scanEndTag(text, offset) : scanStartTag(text, offset);
    yield tag;
    offset = text.indexOf('<', end);
  }
}

function scanEndTag(text: string, offset: number): { tag: Tag; end: number } {
  END_TAG.lastIndex = offset;
  const name = END_TAG.exec(text)?.[1] ?? '';
  return { tag: { kind: 'end', name, offset, attributes: [] }, end: offset + 2 + name.length };
}

function scanStartTag(text: string, offset: number): { tag: Tag; end: number } {
  START_NAME.lastIndex = offset;
  const name = START_NAME.exec(text)?.[0].slice(1) ?? '';
  const attributes: [string, number][] = [];
  let end = offset + 1 + name.length;
  for (;;) {
    ATTRIBUTE.lastIndex = end;
    const match = ATTRIBUTE.exec(text);
    if (match === null) break;
    attributes.push([match[1]!, end + match[0].indexOf(match[1]!)]);
    end = ATTRIBUTE.lastIndex;
  }
  SELF_CLOSING.lastIndex = end;
  const kind = SELF_CLOSING.test(text) ? 'empty' : 'start';
  return { tag: { kind, name, offset, attributes }, end };
}

const PROLOG = /^\ufeff?(?:\s+|<\?[\s\S]*?\?>|<!--[\s\S]*?-->)*/;

/** Where a document type declaration starts, if there is one. It can only stand before the first element. */
export function locateDoctype(text: string): Position | undefined {
  const prologLength = PROLOG.exec(text)?.[0].length ?? 0;
  return text.startsWith('<!DOCTYPE', prologLength) ? new LineIndex(text).at(prologLength) : undefined;
}
