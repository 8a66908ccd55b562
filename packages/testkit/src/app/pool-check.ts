import type { AppDefinition } from '@aep/engine';
import { isCheckedMode } from '@aep/messages/internal';
import type { MessageType } from '@aep/messages';

interface Pooled {
  readonly pool?: { readonly outstanding: number };
}

/** Finds messages that were created and neither sent nor disposed: counts the outstanding views of each type (STYLE rule 15). */
export class PoolCheck {
  private readonly before = new Map<MessageType, number>();
  private isInterrupted = false;

  begin(definitions: readonly AppDefinition[]): void {
    this.isInterrupted = false;
    this.before.clear();
    for (const { factories } of definitions)
      for (const { types } of factories) for (const type of types) this.before.set(type, outstanding(type));
  }

  /** A process died with messages in hand: from now on the counts say nothing. */
  interrupt(): void {
    this.isInterrupted = true;
  }

  /** `3 shop.NewOrder` for each type that did not come back. */
  leaks(): string[] {
    if (this.isInterrupted || !isCheckedMode()) return [];
    const found: string[] = [];
    for (const [type, before] of this.before) {
      const count = outstanding(type) - before;
      if (count > 0) found.push(`${count} ${type.fullName}`);
    }
    return found;
  }
}

function outstanding(type: MessageType): number {
  return (type as Pooled).pool?.outstanding ?? 0;
}
