import { AepError, hashString } from '@aep/kernel';

/**
 * E50: messages carry a 32-bit hash of their engine's name, so two names with one hash would look like one sender.
 *
 * @throws AEP_SENDER_ID_CLASH (reject)
 */
export function checkSenderIds(names: readonly string[]): void {
  const owners = new Map<number, string>();
  for (const name of names) {
    const id = hashString(name);
    const other = owners.get(id);
    if (other !== undefined) {
      throw new AepError(
        'AEP_SENDER_ID_CLASH',
        'reject',
        `apps "${other}" and "${name}" have the same sender id ${id}: rename one of them`,
        { id, name, other },
      );
    }
    owners.set(id, name);
  }
}
