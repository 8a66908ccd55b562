import { BrokerProcess, etcdServer } from '@aep/brokers';
import { freePorts } from '../free-ports.js';
import type { MemberName, PairProcessName } from '../pair-processes.js';

/** What can be cut off. */
export type Place = MemberName | 'arbiter';

/** How the processes of a pair reach each other, and how that is cut. */
export interface PairNetwork {
  /** What cuts are, for the person who reads the result. */
  readonly description: string;
  /** Profiles of the example's model. */
  readonly profiles: readonly string[];
  /** Addresses of everybody, as one process sees them. */
  environment(name: PairProcessName): Readonly<Record<string, string>>;
  /** What goes before the command of a process. */
  commandOf(name: PairProcessName): readonly string[];
  /** An etcd, not yet started, where the members look for it from now on. The caller disposes of it. */
  addEtcd(): Promise<BrokerProcess>;
  /** What one sends does not arrive at the other, until `heal`; nobody is told. */
  cut(from: Place, to: Place): void;
  heal(): void;
  close(): Promise<void>;
}

/** Everybody on this machine's loopback address; nothing can be cut. */
export class LoopbackNetwork implements PairNetwork {
  readonly description: string = 'no cuts';
  readonly profiles = ['pair'];
  private etcdPort: number | undefined;

  protected constructor(private readonly ports: readonly number[]) {}

  static async open(): Promise<LoopbackNetwork> {
    return new LoopbackNetwork(await freePorts(3));
  }

  environment(_name: PairProcessName): Readonly<Record<string, string>> {
    const [first, second, ledger] = this.ports;
    return {
      ORDERS_PROCESSOR_PORT: String(first),
      ORDERS_PROCESSOR_PORT_B: String(second),
      ORDERS_LEDGER_PORT: String(ledger),
      ...(this.etcdPort === undefined ? {} : { ORDERS_ARBITER: etcdAt('127.0.0.1', this.etcdPort) }),
    };
  }

  commandOf(_name: PairProcessName): readonly string[] {
    return [];
  }

  async addEtcd(): Promise<BrokerProcess> {
    const etcd = await BrokerProcess.create(etcdServer());
    this.etcdPort = etcd.port;
    return etcd;
  }

  cut(from: Place, to: Place): void {
    throw new Error(`this network cannot be cut from ${from} to ${to}`);
  }

  heal(): void {}

  close(): Promise<void> {
    return Promise.resolve();
  }
}

export function etcdAt(host: string, port: number): string {
  return `etcd://${host}:${port}/tests`;
}
