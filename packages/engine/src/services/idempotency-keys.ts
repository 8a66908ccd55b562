import { AepError } from '@aep/kernel';
import type { MessageView } from '@aep/messages';
import { LocalCause, Table } from '@aep/store';
import type { EngineCore } from '../engine-core.js';
import type { ChannelPort } from '../messaging/channel-port.js';
import type { UnsolicitedOptions } from '../sender.js';
import type { LocalRequest } from '../transaction/work.js';

const KEY_BYTES_MAX = 255;

/**
 * Unsolicited sends (E40): each is a small transaction. With an idempotency key the transaction also remembers the key, so
 * that a repeat, also after a restart, sends nothing.
 */
export class IdempotencyKeys {
  /** Keys of transactions that the tables do not hold yet. */
  private readonly recent = new Map<string, number>();

  request(core: EngineCore, port: ChannelPort, message: MessageView, options: UnsolicitedOptions): LocalRequest {
    const key = options.key ?? port.resolveKey(message, options.table);
    const { idempotencyKey } = options;
    const keyBytes = idempotencyKey === undefined ? undefined : checkedKey(idempotencyKey);
    const type = message.$type;
    const bytes = message.toBytes();
    message.dispose();
    return {
      origin: 'unsolicited',
      cause: LocalCause.unsolicited,
      label: idempotencyKey ?? '',
      prepare: (transaction) => {
        if (keyBytes !== undefined && this.isKnown(core, idempotencyKey!, keyBytes)) return 'skip';
        transaction.send(port, type.fromBytes(bytes), key, options);
        if (keyBytes !== undefined) {
          const value = new Uint8Array(8);
          new DataView(value.buffer).setFloat64(0, transaction.timeMs, true);
          const txId = core.store.journal.lastTxId + 1;
          transaction.change({
            tableId: Table.idempotency,
            key: keyBytes,
            value,
            onSealed: () => this.recent.set(idempotencyKey!, txId),
          });
        }
        return 'run';
      },
    };
  }

  private isKnown(core: EngineCore, key: string, keyBytes: Uint8Array): boolean {
    const { tables } = core.store;
    for (const [recent, txId] of this.recent) {
      if (txId > tables.appliedTxId) break;
      this.recent.delete(recent);
    }
    return this.recent.has(key) || tables.get(Table.idempotency, keyBytes) !== undefined;
  }
}

function checkedKey(key: string): Uint8Array {
  const bytes = Buffer.from(key, 'utf8');
  if (bytes.length >= 1 && bytes.length <= KEY_BYTES_MAX) return bytes;
  throw new AepError(
    'AEP_IDEMPOTENCY_KEY',
    'reject',
    `an idempotency key has 1 to ${KEY_BYTES_MAX} bytes, this one has ${bytes.length}`,
    { bytes: bytes.length },
  );
}
