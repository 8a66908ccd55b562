import {
  type ChannelDescription,
  compileFilter,
  compileKeyTemplate,
  type KeyResolver,
  type KeyTable,
  type KeyTemplate,
  type KeyTemplateOptions,
  QosCode,
} from '@aep/bus';
import type { MessageMetadata, MessageType, MessageView } from '@aep/messages';
import { encodeChannelTag } from '@aep/store';
import { ChannelStatistics } from '../statistics.js';
import type { StreamMarks } from '../transaction/dedupe.js';
import type { BusPort } from './bus-port.js';

/** What an application does with a channel, and how its key is made (E80–E86). */
export interface ChannelOptions {
  readonly name: string;
  /** @default false; a handler that names the channel as its source joins it as well (E86) */
  readonly join?: boolean;
  /** `Region=US|EMEA;Department=…` (E85). @default every key */
  readonly filter?: string;
  /** Key template, `OrderEvents/${OrderState}/${Region}`. @default messages of the channel have no key */
  readonly key?: string;
  readonly keyOptions?: Omit<KeyTemplateOptions, 'channel'>;
  /** Full name of the type that a message without one has: for what other programs send. @default it has none, and is unhandled (E16) */
  readonly defaultType?: string;
  /** Values for variables that neither the message nor the send gives (E81); `ChannelUp` may set others. */
  readonly keyTable?: KeyTable;
}

/**
 * A channel of a bus as one engine uses it: resolves keys of what goes out, numbers it, and remembers what came in.
 * `slot` is its place in tables that are indexed by source (0 is the inside of the process).
 */
export class ChannelPort {
  readonly qos: 0 | 1;
  /** How records name this channel. */
  readonly tag: Uint8Array;
  readonly keyTemplate: KeyTemplate;
  /** What handlers may name as their source (E10). */
  readonly source: { readonly bus: string; readonly channel: string };
  readonly joined: boolean;
  readonly patterns: readonly string[];
  /** A filtered channel sees numbers with gaps by its nature. */
  readonly isFiltered: boolean;
  /** Last per-channel number given to an outbound message (E52). */
  lastChannelSno = 0;
  keyTable: KeyTable | undefined;
  /** False for a channel that a bus delivered from and the deployment does not have (E16). */
  isKnown = true;
  /** Of a message without a type. */
  defaultType: MessageType | undefined;
  /** The join is in force. */
  isUp = false;
  marks!: StreamMarks;
  readonly statistics = new ChannelStatistics();
  /** `channel@bus`, for messages. */
  readonly where: string;
  private readonly resolvers = new Map<MessageType, KeyResolver>();

  constructor(
    readonly bus: BusPort,
    readonly description: ChannelDescription,
    readonly slot: number,
    options: ChannelOptions,
  ) {
    this.where = `${description.name}@${bus.name}`;
    this.qos = QosCode[description.qos];
    this.tag = encodeChannelTag(bus.name, description.name, this.qos);
    this.source = { bus: bus.name, channel: description.name };
    this.keyTemplate = compileKeyTemplate(options.key, { ...options.keyOptions, channel: this.where });
    this.keyTable = options.keyTable;
    this.joined = options.join === true;
    this.patterns = compileFilter(options.filter, this.keyTemplate);
    this.isFiltered = (options.filter ?? '').trim() !== '';
  }

  /** A message of a program that knows nothing of types gets that of its channel; from then on it is like any other. */
  giveType(metadata: MessageMetadata): void {
    if (metadata.typeId !== 0 || this.defaultType === undefined) return;
    metadata.factoryId = this.defaultType.factoryId;
    metadata.typeId = this.defaultType.typeId;
  }

  /** The key of an outbound message, by E81's order. @throws AEP_KEY_UNRESOLVED, AEP_KEY_INVALID */
  resolveKey(message: MessageView, sendTable: KeyTable | undefined): string {
    const template = this.keyTemplate;
    if (template.isStatic) return template.staticKey;
    const type = message.$type;
    let resolver = this.resolvers.get(type);
    if (resolver === undefined) this.resolvers.set(type, (resolver = template.bind(type)));
    return resolver.resolve(message, sendTable, this.keyTable);
  }
}
