import { BrokerProcess, etcdServer, FaultProxy } from '@aep/brokers';
import { freePorts } from '../free-ports.js';
import { type MemberName, MEMBERS, type PairProcessName } from '../pair-processes.js';
import { etcdAt, LoopbackNetwork, type Place } from './pair-network.js';

/**
 * For machines without network namespaces: proxies on loopback that stop moving bytes in one direction. What they cannot do is
 * to lose a connection request: a connection is made during a cut, and then stays silent.
 */
export class ProxiedNetwork extends LoopbackNetwork {
  override readonly description = 'bytes held back by proxies on loopback';
  /** By the member that is connected to; the other one connects. */
  private readonly links = new Map<MemberName, FaultProxy>();
  /** By the member that connects. */
  private readonly toArbiter = new Map<MemberName, FaultProxy>();

  private constructor(
    ports: readonly number[],
    private readonly linkPorts: readonly number[],
  ) {
    super(ports);
  }

  static override async open(): Promise<ProxiedNetwork> {
    const ports = await freePorts(5);
    const network = new ProxiedNetwork(ports, ports.slice(3));
    for (const [index, name] of MEMBERS.entries())
      network.links.set(name, await FaultProxy.listen(network.linkPorts[index]!));
    return network;
  }

  override environment(name: PairProcessName): Readonly<Record<string, string>> {
    const [first, second] = this.linkPorts;
    const arbiter = this.toArbiter.get(name as MemberName);
    return {
      ...super.environment(name),
      ORDERS_LINK_PORT_A: String(first),
      ORDERS_LINK_PORT_B: String(second),
      AEP_REROUTE: MEMBERS.map((member, index) => `${this.linkPorts[index]}>${this.links.get(member)!.port}`).join(),
      ...(arbiter === undefined ? {} : { ORDERS_ARBITER: etcdAt('127.0.0.1', arbiter.port) }),
    };
  }

  override async addEtcd(): Promise<BrokerProcess> {
    const etcd = await BrokerProcess.create(etcdServer());
    for (const name of MEMBERS) this.toArbiter.set(name, await FaultProxy.listen(etcd.port));
    return etcd;
  }

  override cut(from: Place, to: Place): void {
    if (to === 'arbiter') this.toArbiter.get(from as MemberName)?.stall('toTarget');
    else if (from === 'arbiter') this.toArbiter.get(to)?.stall('fromTarget');
    else {
      // A proxy that nobody goes through would cut nothing, and nobody would notice.
      if (![...this.links.values()].some(({ connectionCount }) => connectionCount > 0))
        throw new Error('the members are connected, but not through the proxies');
      this.links.get(from)!.stall('fromTarget');
      this.links.get(to)!.stall('toTarget');
    }
  }

  override heal(): void {
    for (const proxy of this.proxies()) proxy.flow();
  }

  override async close(): Promise<void> {
    await Promise.all(this.proxies().map((proxy) => proxy.dispose()));
  }

  private proxies(): FaultProxy[] {
    return [...this.links.values(), ...this.toArbiter.values()];
  }
}
