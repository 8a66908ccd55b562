import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import process from 'node:process';
import { BrokerProcess, etcdServer } from '@aep/brokers';
import { MEMBERS, type PairProcessName } from '../pair-processes.js';
import { etcdAt, type PairNetwork, type Place } from './pair-network.js';

const PLACES: readonly Place[] = [...MEMBERS, 'arbiter'];
/** Of the supervisor and of whom nobody cuts off. Nobody else is in its namespace, so any address will do. */
const HERE = '10.213.0.1';
const SECRET = 'members of a pair in namespaces';
const OWN_NETWORK = 'AEP_OWN_NETWORK';
const SETPRIV = '/usr/bin/setpriv';

interface PlaceParts {
  readonly holder: ChildProcess;
  readonly device: string;
  readonly address: string;
}

/**
 * Each member and the arbiter in a network namespace of its own, joined by this process's, which is a router: a cut is a rule
 * there that drops what comes from one and is for the other. The namespaces end with this process, whatever its end is.
 */
export class NamespaceNetwork implements PairNetwork {
  readonly description = 'packets dropped between network namespaces';
  readonly profiles = ['pair', 'pair-of-hosts'];
  private readonly places = new Map<Place, PlaceParts>();
  private readonly rules: string[][] = [];
  private etcdPort: number | undefined;

  private constructor() {}

  /** Only in a process that `inOwnNetwork` started. */
  static async open(): Promise<NamespaceNetwork> {
    const network = new NamespaceNetwork();
    for (const [index, place] of PLACES.entries()) network.places.set(place, await makePlace(index + 1));
    return network;
  }

  environment(_name: PairProcessName): Readonly<Record<string, string>> {
    return {
      ORDERS_HOST_A: this.at('processor-a').address,
      ORDERS_HOST_B: this.at('processor-b').address,
      ORDERS_LEDGER_HOST: HERE,
      ORDERS_SECRET: SECRET,
      ...(this.etcdPort === undefined ? {} : { ORDERS_ARBITER: etcdAt(this.at('arbiter').address, this.etcdPort) }),
    };
  }

  commandOf(name: PairProcessName): readonly string[] {
    return name === 'gateway' || name === 'ledger' ? [] : this.within(name);
  }

  async addEtcd(): Promise<BrokerProcess> {
    const kind = etcdServer({ host: this.at('arbiter').address });
    const [enter = '', ...rest] = this.within('arbiter');
    const etcd = await BrokerProcess.create({
      ...kind,
      prepare: (place) => {
        const { file, args } = kind.prepare(place);
        return { file: enter, args: [...rest, file, ...args] };
      },
    });
    this.etcdPort = etcd.port;
    return etcd;
  }

  cut(from: Place, to: Place): void {
    const rule = ['iif', this.at(from).device, 'to', this.at(to).address, 'blackhole'];
    ip('rule', 'add', ...rule);
    this.rules.push(rule);
  }

  heal(): void {
    for (const rule of this.rules.splice(0)) ip('rule', 'del', ...rule);
  }

  close(): Promise<void> {
    this.heal();
    for (const { holder, device } of this.places.values()) {
      // It would go with its namespace, and that with its last process, but not at once: the next network wants the name.
      ip('link', 'del', device);
      holder.kill('SIGKILL');
    }
    this.places.clear();
    return Promise.resolve();
  }

  private at(place: Place): PlaceParts {
    return this.places.get(place)!;
  }

  private within(place: Place): readonly string[] {
    return ['nsenter', `--net=/proc/${this.at(place).holder.pid}/ns/net`];
  }
}

/** What this machine lacks for namespaces; undefined when they can be had. */
export function namespacesMissing(): string | undefined {
  for (const tool of ['unshare', 'nsenter', 'ip']) {
    if (spawnSync(tool, ['--version']).error !== undefined && spawnSync(tool, ['-V']).error !== undefined)
      return `no ${tool} here: install the packages util-linux and iproute2`;
  }
  const attempt = 'ip link add aep0 type veth peer name aep1 && ip rule add iif aep0 to 10.213.1.2 blackhole';
  const { status, stderr } = spawnSync('unshare', [...OWN, 'sh', '-c', attempt], { encoding: 'utf8' });
  return status === 0 ? undefined : `this machine does not let us make them (${stderr.trim()}): run as root`;
}

/** A network namespace, for whoever is not root as the root of a user namespace. */
const OWN = process.getuid?.() === 0 ? ['--net'] : ['--map-root-user', '--net'];

export function isInOwnNetwork(): boolean {
  return process.env[OWN_NETWORK] !== undefined;
}

/** Runs this very command again, in a network namespace of its own, and hands its signals on; answers its exit code. */
export function inOwnNetwork(): Promise<number> {
  const args = [...OWN, process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn('unshare', args, { stdio: 'inherit', env: { ...process.env, [OWN_NETWORK]: '1' } });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => child.once('close', (code) => resolve(code ?? 1)));
}

/** Makes this process's namespace a router between the others. */
export function becomeRouter(): void {
  ip('link', 'set', 'lo', 'up');
  ip('addr', 'add', `${HERE}/32`, 'dev', 'lo');
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1\n');
}

async function makePlace(index: number): Promise<PlaceParts> {
  const command = ['unshare', '--net', 'sh', '-c', 'echo there; exec sleep infinity'];
  const [file = '', ...args] = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL', ...command] : command;
  const holder = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => createInterface({ input: holder.stdout }).once('line', resolve));
  const [device, router, address] = [`aep${index}`, `10.213.${index}.1`, `10.213.${index}.2`];
  const inside = (...words: readonly string[]): void => {
    execFileSync('nsenter', [`--net=/proc/${holder.pid}/ns/net`, 'ip', ...words]);
  };
  ip('link', 'add', device, 'type', 'veth', 'peer', 'name', 'out', 'netns', String(holder.pid));
  ip('addr', 'add', `${router}/30`, 'dev', device);
  ip('link', 'set', device, 'up');
  inside('addr', 'add', `${address}/30`, 'dev', 'out');
  inside('link', 'set', 'lo', 'up');
  inside('link', 'set', 'out', 'up');
  inside('route', 'add', 'default', 'via', router);
  return { holder, device, address };
}

function ip(...words: readonly string[]): void {
  execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] });
}
