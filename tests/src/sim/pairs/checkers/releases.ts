import type { Delivery, Outbound } from '@aep/bus';
import type { AepError } from '@aep/kernel';
import type { BrokerMessage, MachineLife, WorldObserver } from '@aep/testkit/pairs';
import type { JournalRecord } from '../../../checker/journal-record.js';
import type { Ledger } from './ledger.js';
import type { Findings } from './violation.js';

/** What leaves an engine, at the moment when it leaves: nothing that is not stable in the group, and nothing after an end (H2, H22). */
export class ReleaseChecker implements WorldObserver {
  /** Of stable records: number of the message to its content. */
  readonly sent = new Map<string, Buffer>();
  /** Of stable records: inputs that have had their effect, to their record. */
  readonly effects = new Map<string, number>();
  private known = 0;
  /** With `acks: none`: also what was lost later. Inputs, and messages with their content. */
  private readonly ever = new Set<string>();
  private knownLost = 0;
  private knownLosses = 0;
  private readonly ended = new Set<MachineLife>();
  private readonly arrived = new Map<string, Uint8Array>();
  private readonly lastOfChannel = new Map<string, number>();

  constructor(
    private readonly ledger: Ledger,
    private readonly findings: Findings,
  ) {}

  onEngineStart(life: MachineLife): void {
    this.ended.delete(life);
    this.checkAlive(life, 'begins an engine');
  }

  onJournalFailure(life: MachineLife, _cause: AepError): void {
    this.ended.add(life);
  }

  onSend(life: MachineLife, outbound: Outbound): void {
    this.checkAlive(life, 'sends');
    this.learn();
    const { metadata, channel, bytes, start, end } = outbound;
    const name = outputName(channel.name, metadata);
    const content = this.sent.get(name);
    if (this.ever.has(`${name} ${Buffer.from(bytes.subarray(start, end)).toString('hex')}`)) return;
    if (content === undefined)
      this.findings.add(this.clauseFor(life), `${life.machine.name} sends message ${name}, which no stable record has`);
    else if (content.compare(bytes, start, end) !== 0)
      this.findings.add(
        'OutboundOnce',
        `${life.machine.name} sends message ${name} with another content than its record has`,
      );
  }

  onAcknowledge(life: MachineLife, { metadata }: Delivery): void {
    this.checkAlive(life, 'acknowledges');
    this.learn();
    const name = inputName(metadata);
    if (!this.effects.has(name) && !this.ever.has(name))
      this.findings.add(
        this.clauseFor(life),
        `${life.machine.name} acknowledges input ${name}, which no stable record has`,
      );
  }

  onReceived({ channel, metadata, bytes }: BrokerMessage): void {
    const name = outputName(channel, metadata);
    const before = this.arrived.get(name);
    if (this.ledger.mayLose) {
      // A successor that has not got a record gives its numbers to another one.
      this.arrived.set(name, bytes);
      return;
    }
    if (before !== undefined) {
      if (Buffer.compare(before, bytes) !== 0)
        this.findings.add('OutboundOnce', `message ${name} came twice, with two contents`);
      return;
    }
    this.arrived.set(name, bytes);
    const last = this.lastOfChannel.get(channel) ?? 0;
    if (metadata.channelSno !== last + 1)
      this.findings.add('OutboundOnce', `channel ${channel} goes from message ${last} to ${metadata.channelSno}`);
    this.lastOfChannel.set(channel, metadata.channelSno);
  }

  /** Everything that stable records tell must have arrived by now. */
  checkArrived(): void {
    this.learn();
    for (const name of this.sent.keys())
      if (!this.arrived.has(name)) this.findings.add('OutboundOnce', `message ${name} never came`);
  }

  private checkAlive(life: MachineLife, what: string): void {
    if (this.ended.has(life)) this.findings.add('FailStop', `${life.machine.name} ${what} after its journal has ended`);
    if (life.machine.disk.failures > life.failuresBefore)
      this.findings.add('FailStop', `${life.machine.name} ${what} after its disk has failed (H22)`);
    if (life.isOver || life.clock.isDead) this.findings.add('FailStop', `${life.machine.name} ${what} after its end`);
  }

  private clauseFor({ machine }: MachineLife): 'StableBeforeRelease' | 'FencedZombie' {
    return this.ledger.record?.primary.name === machine.name ? 'StableBeforeRelease' : 'FencedZombie';
  }

  private learn(): void {
    const { records, mayLose, losses } = this.ledger;
    if (mayLose) this.learnLost();
    if (losses !== this.knownLosses) {
      this.knownLosses = losses;
      this.known = 0;
      this.effects.clear();
      this.sent.clear();
    }
    for (; this.known < records.length; this.known++) this.add(records[this.known]!);
  }

  private learnLost(): void {
    const { lost, lostRecords } = this.ledger;
    if (this.knownLost === lost.length) return;
    for (const record of lostRecords.slice(this.knownLost)) this.remember(record);
    this.knownLost = lost.length;
  }

  private remember({ cause, outbound }: JournalRecord): void {
    if (cause !== undefined) this.ever.add(inputName(cause));
    for (const message of outbound)
      this.ever.add(`${outputName(message.tag.channel, message)} ${message.content.toString('hex')}`);
  }

  private add({ txId, cause, outbound }: JournalRecord): void {
    if (cause !== undefined) {
      const name = inputName(cause);
      const before = this.effects.get(name);
      if (before !== undefined)
        this.findings.add('EffectOnce', `input ${name} is the cause of records ${before} and ${txId}`);
      this.effects.set(name, txId);
    }
    for (const message of outbound) {
      const name = outputName(message.tag.channel, message);
      if (this.sent.has(name)) this.findings.add('OutboundOnce', `record ${txId} gives number ${name} a second time`);
      this.sent.set(name, message.content);
    }
  }
}

/** Of an input: who sent it, in which flow. */
function inputName({
  senderId,
  flow,
  sno,
}: {
  readonly senderId: number;
  readonly flow: number;
  readonly sno: number;
}): string {
  return `${senderId}/${flow}:${sno}`;
}

function outputName(channel: string, { flow, sno }: { readonly flow: number; readonly sno: number }): string {
  return `${channel} ${flow}:${sno}`;
}
