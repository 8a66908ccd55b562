import type { FieldInfo } from './field-info.js';
import type { MessageView } from './view.js';

/** A JSON document as `JSON.parse` makes it. */
export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/**
 * What the runtime knows of one message type: identity, fields and how to make views. One per generated class, as its
 * static `$type`. Identity is (factory id, type id) on the bus and the protobuf full name everywhere else.
 */
export interface MessageType<T extends MessageView = MessageView> {
  /** Protobuf full name, such as `shop.NewOrder`. */
  readonly fullName: string;
  /** Factory id of the file; 0 when the file declares none. */
  readonly factoryId: number;
  /** Type id of the message; 0 when it declares none and so is only ever embedded in others. */
  readonly typeId: number;
  readonly fields: readonly FieldInfo<T>[];
  /** A mutable, empty message from the pool. The caller owns it: send it or dispose it. */
  create(): T;
  /**
   * An immutable, lazy view over `bytes[start, end)`; no byte is copied or looked at before the first read. The bytes must
   * stay unchanged until the view is disposed (`acquire` and `copy` take a copy of them).
   *
   * @throws AEP_MESSAGE_TOO_LARGE when end - start is over the limit
   */
  wrap(bytes: Uint8Array, start?: number, end?: number): T;
  /** A mutable message with the content of `bytes`, which are copied. @throws AEP_MESSAGE_MALFORMED */
  fromBytes(bytes: Uint8Array, start?: number, end?: number): T;
  /** A mutable message from a ProtoJSON document (a value, or its text). @throws AEP_JSON_INVALID naming the path */
  fromJSON(json: unknown): T;
}

/** A generated view class, as `@EventHandler(NewOrder)` takes it. */
export interface MessageClass<T extends MessageView = MessageView> {
  readonly $type: MessageType<T>;
  readonly prototype: T;
}

/** All message types of one .proto file that carry a type id. */
export interface MessageFactory {
  readonly name: string;
  readonly id: number;
  /** Path of the .proto file, for messages about clashes. */
  readonly source?: string;
  readonly types: readonly MessageType[];
}
