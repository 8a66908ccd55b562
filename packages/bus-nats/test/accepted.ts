import type { Received } from '@aep/bus/contract';

/**
 * What an engine would handle of what it was given: a number at or below the last one of its sender counts as a duplicate
 * (E51). So a message that comes behind a later one is lost, which is why the order must hold through everything.
 */
export function accepted(received: readonly Received[]): string[] {
  const last = new Map<number, number>();
  const texts: string[] = [];
  for (const { senderId, sno, text } of received) {
    if (sno > 0 && sno <= (last.get(senderId) ?? 0)) continue;
    last.set(senderId, sno);
    texts.push(text);
  }
  return texts;
}
