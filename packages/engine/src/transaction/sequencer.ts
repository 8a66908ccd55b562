import { type TableReader, Table, writeChannelKey, writeFlowKey } from '@aep/store';
import type { ChannelPort } from '../messaging/channel-port.js';

/**
 * Gives outbound messages their numbers (E51, E52): per flow across all channels, and per channel and flow. Numbers are given while
 * a transaction is sealed, so a rolled-back one uses none up; what is sealed carries them into the tables by the fold.
 */
export class Sequencer {
  /** Flow 0 is nearly all there is. */
  private lastSno: number | undefined;
  private readonly flows = new Map<number, number>();
  /** Numbers of channels in flows other than 0, which are rare. */
  private readonly channelFlows = new Map<ChannelPort, Map<number, number>>();

  constructor(private readonly tables: TableReader) {}

  /** Reads where the channel's own numbers stand. */
  attach(port: ChannelPort): void {
    const key = new Uint8Array(1 + port.tag.length);
    writeChannelKey(key, port.tag);
    port.lastChannelSno = this.read(key);
  }

  nextSno(flow: number): number {
    if (flow === 0) return (this.lastSno = (this.lastSno ?? this.load(0)) + 1);
    const last = this.flows.get(flow) ?? this.load(flow);
    this.flows.set(flow, last + 1);
    return last + 1;
  }

  nextChannelSno(port: ChannelPort, flow: number): number {
    return flow === 0 ? ++port.lastChannelSno : this.addToFlow(port, flow, 1);
  }

  /** Gives back the numbers of a transaction that could not be sealed. */
  takeBack(flow: number, port: ChannelPort): void {
    if (flow === 0) {
      this.lastSno!--;
      port.lastChannelSno--;
    } else {
      this.flows.set(flow, this.flows.get(flow)! - 1);
      this.addToFlow(port, flow, -1);
    }
  }

  private addToFlow(port: ChannelPort, flow: number, step: 1 | -1): number {
    let flows = this.channelFlows.get(port);
    if (flows === undefined) this.channelFlows.set(port, (flows = new Map<number, number>()));
    let last = flows.get(flow);
    if (last === undefined) {
      const key = new Uint8Array(1 + port.tag.length + 8);
      writeChannelKey(key, port.tag, flow);
      last = this.read(key);
    }
    flows.set(flow, last + step);
    return last + step;
  }

  private load(flow: number): number {
    const key = new Uint8Array(9);
    writeFlowKey(key, flow);
    return this.read(key);
  }

  private read(key: Uint8Array): number {
    const stored = this.tables.get(Table.sequences, key);
    return stored === undefined ? 0 : new DataView(stored.buffer, stored.byteOffset, 8).getFloat64(0, true);
  }
}
