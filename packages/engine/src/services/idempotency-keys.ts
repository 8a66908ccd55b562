import { AepError, type TimerHandle } from '@aep/kernel';
import type { MessageType, MessageView } from '@aep/messages';
import { LocalCause, Table } from '@aep/store';
import type { EngineCore } from '../engine-core.js';
import type { ChannelPort } from '../messaging/channel-port.js';
import type { UnsolicitedOptions } from '../sender.js';
import type { OpenTransaction } from '../transaction/open-transaction.js';
import type { LocalRequest } from '../transaction/work.js';

const KEY_BYTES_MAX = 255;
/** Keys looked at in one step of the sweep. */
const SWEEP_STEP = 256;
const SWEEP_PAUSE_MS = 60_000;

interface SendParts {
  readonly port: ChannelPort;
  readonly message: MessageView;
  readonly key: string;
  readonly options: UnsolicitedOptions;
  /** False for a repeat, which sends nothing; undefined when nobody asked for that. */
  readonly isFirst: ((transaction: OpenTransaction) => boolean) | undefined;
}

/** One object per send. It keeps the encoded message, which is what the record needs, and which a repeated attempt can send again. */
class UnsolicitedSend implements LocalRequest {
  readonly origin = 'unsolicited';
  readonly cause = LocalCause.unsolicited;
  readonly label: string;
  private readonly type: MessageType;
  private readonly bytes: Uint8Array;

  private readonly target: ChannelPort;
  private readonly key: string;
  private readonly options: UnsolicitedOptions;
  private readonly isFirst: ((transaction: OpenTransaction) => boolean) | undefined;

  constructor({ port, message, key, options, isFirst }: SendParts) {
    this.label = options.idempotencyKey ?? '';
    this.target = port;
    this.key = key;
    this.options = options;
    this.isFirst = isFirst;
    this.type = message.$type;
    this.bytes = message.toBytes();
    message.dispose();
  }

  prepare(transaction: OpenTransaction): 'run' | 'skip' {
    if (this.isFirst?.(transaction) === false) return 'skip';
    transaction.send(this.target, this.type.wrap(this.bytes), this.key, this.options);
    return 'run';
  }
}

/**
 * Unsolicited sends (E40): each is a small transaction. With an idempotency key the transaction also remembers the key, so
 * that a repeat, also after a restart, sends nothing. Keys expire by comparison with the time of the transaction that asks;
 * a sweep removes expired ones in small steps, each a transaction.
 */
export class IdempotencyKeys {
  /** Keys of transactions that the tables do not hold yet, with the number of theirs. */
  private readonly recent = new Map<string, number>();
  private timer: TimerHandle | undefined;
  /** Where the sweep goes on; undefined: at the beginning. */
  private cursor: Uint8Array | undefined;

  request(core: EngineCore, port: ChannelPort, message: MessageView, options: UnsolicitedOptions): LocalRequest {
    const key = options.key ?? port.resolveKey(message, options.table);
    const { idempotencyKey } = options;
    const keyBytes = idempotencyKey === undefined ? undefined : checkedKey(idempotencyKey);
    const isFirst =
      keyBytes === undefined
        ? undefined
        : (transaction: OpenTransaction): boolean => this.remember(core, transaction, keyBytes);
    return new UnsolicitedSend({ port, message, key, options, isFirst });
  }

  /** Begins to sweep: now and then while there is nothing to remove, step after step while there is. */
  start(core: EngineCore): void {
    this.sweepLater(core, SWEEP_PAUSE_MS);
  }

  stop(core: EngineCore): void {
    if (this.timer !== undefined) core.options.clock.cancel(this.timer);
    this.timer = undefined;
  }

  /** False for a repeat. */
  private remember(core: EngineCore, transaction: OpenTransaction, keyBytes: Uint8Array): boolean {
    const name = nameOf(keyBytes);
    this.prune(core);
    if (this.recent.has(name)) return false;
    const stored = core.store.tables.get(Table.idempotency, keyBytes);
    if (stored !== undefined && !isExpired(core, stored, transaction.timeMs)) return false;
    const value = new Uint8Array(8);
    new DataView(value.buffer).setFloat64(0, transaction.timeMs, true);
    const { txId } = transaction;
    transaction.change({
      tableId: Table.idempotency,
      key: keyBytes,
      value,
      onSealed: () => this.recent.set(name, txId),
    });
    return true;
  }

  private prune(core: EngineCore): void {
    const { appliedTxId } = core.store.tables;
    for (const [name, txId] of this.recent) {
      if (txId > appliedTxId) return;
      this.recent.delete(name);
    }
  }

  private sweepLater(core: EngineCore, delayMs: number): void {
    this.timer = core.options.clock.schedule(delayMs, () => {
      const found = this.sweepStep(core);
      this.sweepLater(core, found ? 0 : SWEEP_PAUSE_MS);
    });
  }

  /** Looks at the next keys in their order; false when it has come to the end. */
  private sweepStep(core: EngineCore): boolean {
    const { tables } = core.store;
    const nowMs = core.options.clock.wallMs();
    const expired: Uint8Array[] = [];
    const from = this.cursor === undefined ? {} : { gt: this.cursor };
    let last: Uint8Array | undefined;
    let looked = 0;
    for (const { key, value } of tables.range(Table.idempotency, { ...from, limit: SWEEP_STEP })) {
      looked++;
      last = key;
      if (isExpired(core, value, nowMs)) expired.push(key);
    }
    this.cursor = looked === SWEEP_STEP ? last : undefined;
    // A full queue only means: next time round.
    if (expired.length > 0) core.offer(this.removal(core, expired));
    return this.cursor !== undefined;
  }

  private removal(core: EngineCore, keys: readonly Uint8Array[]): LocalRequest {
    return {
      origin: 'unsolicited',
      cause: LocalCause.unsolicited,
      label: 'sweep of idempotency keys',
      prepare: (transaction) => {
        this.prune(core);
        // One that was used again meanwhile is new.
        const gone = keys.filter((key) => !this.recent.has(nameOf(key)));
        for (const key of gone) transaction.change({ tableId: Table.idempotency, key, value: undefined });
        return gone.length > 0 ? 'run' : 'skip';
      },
    };
  }
}

function isExpired(core: EngineCore, stored: Uint8Array, nowMs: number): boolean {
  const usedMs = new DataView(stored.buffer, stored.byteOffset, stored.byteLength).getFloat64(0, true);
  return nowMs - usedMs >= core.options.limits.idempotencyRetentionMs;
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('utf8');
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
