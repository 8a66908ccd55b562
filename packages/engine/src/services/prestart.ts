import type { MessageView } from '@aep/messages';
import { LocalCause, Table } from '@aep/store';
import type { MessagingPrestart } from '../app/events.js';
import type { EngineCore } from '../engine-core.js';
import type { LocalRequest } from '../transaction/work.js';
import { orderedNumber, readOrderedNumber } from './system-entry.js';

const PROGRESS_KEY = Buffer.from('prestart');
/** Progress of a journal whose prestart messages are all handled. */
const DONE = Number.MAX_SAFE_INTEGER;

/**
 * E2: the first and the initial messages go through the ordinary transactional path before any bus traffic, once in the life
 * of a journal. Each transaction notes how far they are, so that a crash in the middle loses and repeats none.
 *
 * @param whenWritable resolves when the queue of inbound events has room
 */
export async function sendPrestart(
  core: EngineCore,
  prestart: MessagingPrestart,
  whenWritable: () => Promise<void>,
): Promise<void> {
  const { firstMessage, initialMessages } = prestart;
  const messages = [...(firstMessage === undefined ? [] : [firstMessage]), ...initialMessages];
  const handled = handledBefore(core);
  const submitted: Promise<unknown>[] = [];
  for (const [index, message] of messages.entries()) {
    if (index < handled) {
      message.dispose();
      continue;
    }
    if (core.inbound.isFull) await whenWritable();
    const request = prestartRequest(message, index + 1 === messages.length ? DONE : index + 1);
    // One that is quarantined does not fail the start: policy and alert have dealt with it. A stop ends the start by itself.
    submitted.push(core.submit(request).catch(() => undefined));
  }
  await Promise.all(submitted);
}

/** Messages of an earlier start; all of them when the journal was begun by something else. */
function handledBefore({ store }: EngineCore): number {
  const progress = store.tables.get(Table.facts, PROGRESS_KEY);
  if (progress !== undefined) return readOrderedNumber(progress);
  return store.journal.lastTxId === 0 ? 0 : DONE;
}

function prestartRequest(message: MessageView, progress: number): LocalRequest {
  const type = message.$type;
  const view = type.wrap(message.toBytes());
  message.dispose();
  return {
    origin: 'prestart',
    cause: LocalCause.prestart,
    label: type.fullName,
    message: view,
    prepare: (transaction) => {
      transaction.change({ tableId: Table.facts, key: PROGRESS_KEY, value: orderedNumber(progress) });
      return 'run';
    },
  };
}
