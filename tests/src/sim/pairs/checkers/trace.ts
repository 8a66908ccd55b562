import type { GroupRecord, MarkName } from '@aep/cluster';
import type { Delivery, Outbound } from '@aep/bus';
import type { AepError } from '@aep/kernel';
import type { Store } from '@aep/store';
import type { BrokerMessage, MachineLife, WorldObserver } from '@aep/testkit/pairs';

/** A hash of everything that happened, and when: two runs of one seed must have the same. */
export class Trace implements WorldObserver {
  hash = 0x811c9dc5;
  readonly lines: string[] | undefined;

  /** @param isTold keeps a line of each thing, for people */
  constructor(
    private readonly nowMs: () => number,
    isTold: boolean,
  ) {
    this.lines = isTold ? [] : undefined;
  }

  onRegister({ epoch, primary, members }: GroupRecord): void {
    this.mix(1, epoch, members.length);
    this.tell(
      () => `register: epoch ${epoch}, primary ${primary.name}, members ${members.map(({ name }) => name).join(' ')}`,
    );
  }

  onMark(life: MachineLife, mark: MarkName): void {
    this.mix(2, life.number, mark.length);
    this.tell(() => `${life.machine.name} (life ${life.number}) mark ${mark}`);
  }

  onEngineStart(life: MachineLife, store: Store): void {
    this.mix(3, life.number, store.journal.lastTxId);
    this.tell(() => `${life.machine.name} engine starts in epoch ${store.epoch} at record ${store.journal.lastTxId}`);
  }

  onAppend(life: MachineLife, { bytes, start }: { bytes: Uint8Array; start: number }): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + start);
    this.mix(4, life.number, view.getUint32(40, true));
    this.tell(
      () => `${life.machine.name} appends record ${view.getUint32(12, true)} in epoch ${view.getUint32(8, true)}`,
    );
  }

  onStable(life: MachineLife, txId: number): void {
    this.mix(5, life.number, txId);
    this.tell(() => `${life.machine.name} stable ${txId}`);
  }

  onJournalFailure(life: MachineLife, cause: AepError): void {
    this.mix(6, life.number, cause.code.length);
    this.tell(() => `${life.machine.name} journal ended: ${cause.code} ${cause.message}`);
  }

  onSend(life: MachineLife, { metadata }: Outbound): void {
    this.mix(7, life.number, metadata.sno);
    this.tell(() => `${life.machine.name} sends ${metadata.flow}:${metadata.sno}`);
  }

  onAcknowledge(life: MachineLife, { metadata }: Delivery): void {
    this.mix(8, life.number, metadata.sno);
    this.tell(() => `${life.machine.name} acknowledges ${metadata.senderId}/${metadata.flow}:${metadata.sno}`);
  }

  onReceived({ metadata }: BrokerMessage): void {
    this.mix(9, metadata.flow, metadata.sno);
    this.tell(() => `broker receives ${metadata.flow}:${metadata.sno}`);
  }

  onEnd(life: MachineLife, cause: AepError | undefined, wasKilled: boolean): void {
    this.mix(10, life.number, wasKilled ? 1 : 0);
    this.tell(
      () =>
        `${life.machine.name} (life ${life.number}) ${wasKilled ? 'was killed' : `ended: ${cause?.code ?? 'in order'} ${cause?.message ?? ''}`}`,
    );
  }

  note(line: () => string): void {
    this.tell(line);
  }

  // oxlint-disable-next-line max-params -- three numbers
  private mix(kind: number, one: number, other: number): void {
    let { hash } = this;
    hash = Math.imul(hash ^ kind, 0x01000193);
    hash = Math.imul(hash ^ one, 0x01000193);
    hash = Math.imul(hash ^ other, 0x01000193);
    this.hash = Math.imul(hash ^ Math.floor(this.nowMs() * 1_000), 0x01000193);
  }

  private tell(line: () => string): void {
    this.lines?.push(`${this.nowMs().toFixed(2).padStart(8)} ${line()}`);
  }
}
