import { AepError, ObjectPool } from '@aep/kernel';
import { bytesOf } from './bytes-of.js';
import { checkedMode } from './checked-mode.js';
import type { FieldInfo } from './field-info.js';
import { viewFromJson } from './json.js';
import { messageLimits } from './limits.js';
import type { MessageType } from './message-type.js';
import type { MessageView } from './view.js';

/** What generated code says of a view class. */
export interface ViewTypeOptions<T extends MessageView> {
  readonly fullName: string;
  readonly factoryId: number;
  readonly typeId: number;
  readonly make: () => T;
  /** Asked for when the table is first needed: it stands behind the class. */
  readonly fields: () => readonly FieldInfo<T>[];
}

/** Idle instances kept per type; what is disposed beyond that is left to the garbage collector. */
const idleViewsMax = 1024;

/** The message type of a generated class, and the pool of its instances. */
export class ViewType<T extends MessageView> implements MessageType<T> {
  readonly fullName: string;
  readonly factoryId: number;
  readonly typeId: number;
  readonly pool: ObjectPool<T>;
  private readonly fieldTable: () => readonly FieldInfo<T>[];

  constructor(options: ViewTypeOptions<T>) {
    this.fullName = options.fullName;
    this.factoryId = options.factoryId;
    this.typeId = options.typeId;
    this.fieldTable = options.fields;
    this.pool = new ObjectPool(options.make, idleViewsMax);
  }

  get fields(): readonly FieldInfo<T>[] {
    return this.fieldTable();
  }

  create(): T {
    const view = this.pool.take();
    view.$createEmpty();
    return view;
  }

  wrap(bytes: Uint8Array, start = 0, end = bytes.length): T {
    if (!isRangeOf(bytes, start, end)) this.refuseRange(bytes, start, end);
    const view = this.pool.take();
    view.$wrap(bytes, start, end);
    return view;
  }

  fromBytes(bytes: Uint8Array, start = 0, end = bytes.length): T {
    if (!isRangeOf(bytes, start, end)) this.refuseRange(bytes, start, end);
    const view = this.pool.take();
    view.$load(bytesOf(bytes, start, end), 0, end - start);
    return view;
  }

  fromJSON(json: unknown): T {
    return viewFromJson(this, json);
  }

  private refuseRange(bytes: Uint8Array, start: number, end: number): never {
    const facts = { type: this.fullName, start, end, length: bytes.length };
    if (end - start > messageLimits.messageBytesMax) {
      const limit = `${messageLimits.messageBytesMax} bytes; setMessageLimits({ messageBytesMax }) raises the limit`;
      throw new AepError(
        'AEP_MESSAGE_TOO_LARGE',
        'reject',
        `${this.fullName}: ${end - start} bytes, allowed are ${limit}`,
        facts,
      );
    }
    const range = `[${start}, ${end}) of ${bytes.length} bytes`;
    throw new AepError('AEP_MESSAGE_MALFORMED', 'reject', `${this.fullName}: no message can be at ${range}`, facts);
  }
}

/** Apart from the error that its opposite is, so that V8 has room to inline it wherever a view is wrapped. */
function isRangeOf(bytes: Uint8Array, start: number, end: number): boolean {
  return start >= 0 && start <= end && end <= bytes.length && end - start <= messageLimits.messageBytesMax;
}

/** Takes a retired view back. In checked mode it is forgotten instead, so that a stale reference throws for ever. */
export function recycleView(view: MessageView): void {
  const { pool } = view.$type as ViewType<MessageView>;
  if (checkedMode.on) pool.outstanding--;
  else pool.give(view);
}
