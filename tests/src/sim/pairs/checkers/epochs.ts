import type { GroupRecord } from '@aep/cluster';
import type { Store } from '@aep/store';
import type { MachineLife, WorldObserver } from '@aep/testkit/pairs';
import type { Findings } from './violation.js';

/**
 * One primary per epoch (H1, H3, H4): an epoch belongs to one life of one process, the one that the register names. (After a
 * switch that was given up a second engine of that process goes on in it.)
 */
export class EpochChecker implements WorldObserver {
  private readonly registered = new Map<number, GroupRecord>();
  private readonly owners = new Map<number, number>();
  private lastEpoch = 0;

  constructor(private readonly findings: Findings) {}

  onRegister(record: GroupRecord): void {
    if (record.epoch !== this.lastEpoch + 1)
      this.findings.add('OnePrimaryPerEpoch', `the register goes from epoch ${this.lastEpoch} to ${record.epoch}`);
    if (!record.members.some(({ name }) => name === record.primary.name))
      this.findings.add('OnePrimaryPerEpoch', `the primary of epoch ${record.epoch} is no member`);
    this.lastEpoch = record.epoch;
    this.registered.set(record.epoch, record);
  }

  onEngineStart(life: MachineLife, store: Store): void {
    this.claim(life, store.epoch);
  }

  onAppend(life: MachineLife, { bytes, start }: { bytes: Uint8Array; start: number }): void {
    this.claim(life, new DataView(bytes.buffer, bytes.byteOffset + start).getUint32(8, true));
  }

  private claim(life: MachineLife, epoch: number): void {
    const owner = this.owners.get(epoch);
    if (owner === life.number) return;
    const { name } = life.machine;
    if (owner !== undefined)
      this.findings.add('OnePrimaryPerEpoch', `a second process, at ${name}, acts in epoch ${epoch}`);
    this.owners.set(epoch, life.number);
    const record = this.registered.get(epoch);
    if (record?.primary.name !== name || record.primary.storeId !== life.machine.disk.identity?.memberId)
      this.findings.add(
        'OnePrimaryPerEpoch',
        `${name} acts in epoch ${epoch}, whose primary is ${record?.primary.name ?? 'unknown'}`,
      );
    if (life.machine.disk.epoch < epoch)
      this.findings.add(
        'OnePrimaryPerEpoch',
        `${name} acts in epoch ${epoch}, but has made durable only ${life.machine.disk.epoch} (H4)`,
      );
  }
}
