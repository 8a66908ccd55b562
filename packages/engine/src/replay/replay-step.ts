import { AepError, describeError } from '@aep/kernel';
import { disposeOwned } from '@aep/messages/internal';
import { LocalCause, type RecordReader, Section, Table } from '@aep/store';
import { type ChainLink, isThenable } from '../app/handler-table.js';
import type { EngineCore } from '../engine-core.js';
import { findCommand } from '../services/commands.js';
import { contentOf, findDifference, type ReplayDifference } from './replay-difference.js';

/**
 * Hands the message of a record to the handlers again (E60), in a transaction that is thrown away: what they send goes
 * nowhere. A handler that is synchronous is called synchronously, so a backup keeps up with its primary (H11).
 */
export class ReplayStep {
  /** What the last compared run found. */
  difference: ReplayDifference | undefined;

  /** @param digest of a state, for records that have one */
  constructor(
    private readonly core: EngineCore,
    private readonly digest: (state: unknown) => Uint8Array,
  ) {}

  /**
   * Runs what was called for the record that the reader has open, which it leaves alone until the end. Answers whether there was
   * anything to call; a promise when a handler is asynchronous.
   *
   * @throws AEP_REPLAY_FAILED, AEP_REPLAY_TYPE_UNKNOWN (fatal), or rejects with them
   */
  run(reader: RecordReader, state: unknown, isCompared: boolean): boolean | Promise<boolean> {
    this.difference = undefined;
    const call = this.originalCall(reader, state);
    if (call === undefined) return false;
    const { transaction, scope, timers } = this.core;
    transaction.begin(reader.txId, reader.timeMs, reader.seed);
    timers.replayed = (id) => wasCancelled(reader, id);
    const compare = (): void => {
      if (isCompared) this.difference = this.compare(reader, state, call.name);
    };
    let pending: PromiseLike<unknown> | undefined;
    try {
      // In its scope: other code that runs while a handler is awaited must not send into a transaction that is thrown away.
      pending = scope.run(transaction.ordinal, call.run);
      if (pending === undefined) compare();
    } catch (error) {
      throw replayFailed(reader.txId, call.name, error);
    } finally {
      if (pending === undefined) this.end(call);
    }
    return pending === undefined ? true : this.finish(reader.txId, call, pending, compare);
  }

  private async finish(
    txId: number,
    call: OriginalCall,
    pending: PromiseLike<unknown>,
    compare: () => void,
  ): Promise<boolean> {
    try {
      await pending;
      compare();
      return true;
    } catch (error) {
      throw replayFailed(txId, call.name, error);
    } finally {
      this.end(call);
    }
  }

  private end(call: OriginalCall): void {
    const { transaction, timers } = this.core;
    timers.replayed = undefined;
    if (transaction.isOpen) transaction.rollback();
    call.dispose();
  }

  private compare(reader: RecordReader, state: unknown, cause: string): ReplayDifference | undefined {
    const found = findDifference(reader, this.core.transaction, () => this.digest(state));
    return found === undefined ? undefined : { ...found, cause };
  }

  /** What was called for a record: the handlers of its message, or a command. Undefined for other records. */
  private originalCall(reader: RecordReader, state: unknown): OriginalCall | undefined {
    const { core } = this;
    const source = findMessage(reader);
    if (source === undefined) return undefined;
    if (source.command !== undefined) {
      const spec = findCommand(core.options.app.commands, source.command);
      const args = JSON.parse(Buffer.from(contentOf(reader)).toString('utf8')) as Record<string, unknown>;
      const run = (): PromiseLike<unknown> | undefined => {
        const answer: unknown = spec.call(args, state);
        return isThenable(answer) ? answer : undefined;
      };
      return { name: spec.name, run, dispose: () => undefined };
    }
    const { pipeline, handlers } = core;
    const type = handlers.types.find(reader.factoryId, reader.typeId);
    if (type === undefined) throw typeGone(reader);
    const message = type.wrap(reader.bytes, reader.contentStart, reader.contentEnd);
    const port = core.messaging.buses.get(source.bus)?.channels.get(source.channel);
    const { event } = pipeline;
    event.message = message;
    event.origin = port === undefined ? 'injected' : 'bus';
    event.bus = port?.bus.name ?? '';
    event.channel = port?.description.name ?? '';
    event.key = reader.key;
    event.metadata = undefined;
    event.attempt = 1;
    const { links } = handlers.chainFor(type, port?.slot ?? 0, port?.source);
    return {
      name: port === undefined ? type.fullName : `${type.fullName} from ${port.where}`,
      run: () => callAll(links, 0, (link) => link.call(message, state, event)),
      dispose: () => disposeOwned(message),
    };
  }
}

interface OriginalCall {
  /** Message type and channel, or command: for people. */
  readonly name: string;
  /** A promise when something in it is asynchronous. */
  readonly run: () => PromiseLike<unknown> | undefined;
  readonly dispose: () => void;
}

function callAll(
  links: readonly ChainLink[],
  from: number,
  call: (link: ChainLink) => unknown,
): PromiseLike<unknown> | undefined {
  for (let position = from; position < links.length; position++) {
    const answer = call(links[position]!);
    if (isThenable(answer)) return answer.then(() => callAll(links, position + 1, call));
  }
  return undefined;
}

interface MessageSource {
  /** Empty for messages from inside the process. */
  readonly bus: string;
  readonly channel: string;
  /** Name of the command when that, and no message, was called. */
  readonly command: string | undefined;
}

/** Positions the reader at the record's message or command arguments; undefined when it has neither, as that of a quarantined event. */
function findMessage(reader: RecordReader): MessageSource | undefined {
  let bus = '';
  let channel = '';
  let label = '';
  reader.rewind();
  while (reader.next()) {
    if (reader.tag === Section.inboundCause) {
      bus = reader.busName();
      channel = reader.channelName();
    }
    if (reader.tag === Section.localCause) label = reader.label;
    if (reader.tag !== Section.message) continue;
    // No message has factory 0 and type 0: those are the arguments of a command.
    return { bus, channel, command: reader.factoryId === 0 && reader.typeId === 0 ? label : undefined };
  }
  return undefined;
}

/**
 * Whether handlers of the open record removed this timer: what `cancel` answered then. The timers of the store are those of
 * the end of the journal, so they cannot tell.
 */
function wasCancelled(reader: RecordReader, id: string): boolean {
  const key = Buffer.from(id, 'utf8');
  let isOwn = false;
  reader.rewind();
  while (reader.next()) {
    if (reader.tag === Section.localCause) isOwn = reader.localKind === LocalCause.timer && reader.label === id;
    if (reader.tag !== Section.delete && reader.tag !== Section.put) continue;
    if (reader.tableId !== Table.timers) continue;
    if (Buffer.compare(key, reader.bytes.subarray(reader.keyStart, reader.keyEnd)) !== 0) continue;
    // The first change of a due timer is its removal, or its next due time, before any handler was called.
    if (isOwn) isOwn = false;
    else if (reader.tag === Section.delete) return true;
  }
  return false;
}

function replayFailed(txId: number, cause: string, error: unknown): AepError {
  return new AepError(
    'AEP_REPLAY_FAILED',
    'fatal',
    `replay of transaction ${txId} (${cause}) threw where the original did not: handlers must be deterministic: ${describeError(error)}`,
    { txId, cause },
    error,
  );
}

function typeGone(reader: RecordReader): AepError {
  return new AepError(
    'AEP_REPLAY_TYPE_UNKNOWN',
    'fatal',
    `transaction ${reader.txId} was caused by type ${reader.typeId} of factory ${reader.factoryId}, which the application does not know any more: keep its factory`,
    {
      txId: reader.txId,
    },
  );
}
