import type { MessageView } from './view.js';

/** Marks a message as sent (E41): the engine owns it, and any use by the application throws AEP_VIEW_DISPOSED naming `place`. */
export function giveAway(view: MessageView, place: string): void {
  view.$giveAway(place);
}

/** Makes a sent message usable again, for the engine itself. */
export function takeBack(view: MessageView): void {
  view.$takeBack();
}

/** Disposes a message that the engine owns, whether it was sent or received. */
export function disposeOwned(view: MessageView): void {
  view.$takeBack();
  view.dispose();
}
