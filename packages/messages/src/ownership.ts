import type { MessageView } from './view.js';
import { DISPOSED } from './view-state.js';

/** Marks a message as sent (E41): the engine owns it, and any use by the application throws AEP_VIEW_DISPOSED naming `place`. */
export function giveAway(view: MessageView, place: string): void {
  view.$giveAway(place);
}

/** Makes a sent message usable again, for the engine itself. */
export function takeBack(view: MessageView): void {
  view.$takeBack();
}

/** Disposes a message that the engine owns, whether it was sent or received. One that its handler disposed, though it was only lent, stays so. */
export function disposeOwned(view: MessageView): void {
  if (view.$state === DISPOSED) return;
  view.$takeBack();
  view.dispose();
}
