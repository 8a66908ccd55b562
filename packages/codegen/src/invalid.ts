import { AepError } from '@aep/kernel';
import { formatPlace, type Place } from './locate.js';

/** The error for a proto file that cannot be used; the message begins with file:line:column. */
export function invalid(place: Place, problem: string): AepError {
  const facts = { file: place.path, line: place.line, column: place.column };
  return new AepError('AEP_PROTO_INVALID', 'reject', `${formatPlace(place)}: ${problem}`, facts);
}
