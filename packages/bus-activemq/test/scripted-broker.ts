import { StompFrameReader, type StompFrame, type StompHeaders } from '@aep/bus-activemq/internal';
import type { BusDescription, ChannelDescription, Subscriber } from '@aep/bus';
import {
  type BusHarness,
  contractChannels,
  type HarnessTime,
  TestApp,
  type TestAppOptions,
  virtualTime,
} from '@aep/bus/contract';
import { ActiveMqProvider } from '@aep/bus-activemq';
import { AepError, FunctionLog, type Log, type LogLine, SeededRandom, VirtualClock } from '@aep/kernel';
import { type Link, type LinkHandler, MemoryNetwork } from '@aep/net';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const LIMITS = { headBytesMax: 100_000, headerCountMax: 100, bodyBytesMax: 1_000_000 };

/** A client's connection, as the broker of a test has it. */
export interface ClientLink {
  readonly number: number;
  readonly link: Link;
  readonly frames: StompFrame[];
  say(command: string, headers?: Record<string, string>, body?: string): void;
}

/** What the broker does with a frame instead of what brokers do; `pass` leaves it to that. */
export type Reaction = (frame: StompFrame, client: ClientLink) => 'pass' | 'handled';

export interface StompWorldOptions {
  readonly properties?: Record<string, string>;
  readonly channels?: readonly ChannelDescription[];
  readonly variables?: Record<string, string>;
  readonly seed?: number;
  readonly pieceBytesMax?: number;
  /** Gets a line for each frame. */
  readonly tap?: (line: string) => void;
}

/**
 * Apps and a broker in one process on a virtual clock. The broker lets everybody in, gives every receipt, and remembers what it was sent;
 * a test says what it does otherwise, and what it sends.
 */
export class StompWorld implements BusHarness {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly network: MemoryNetwork;
  readonly lines: LogLine[] = [];
  readonly log: Log = new FunctionLog((line) => this.lines.push(line));
  readonly clients: ClientLink[] = [];
  reaction: Reaction = () => 'pass';
  private readonly time: HarnessTime;

  constructor(private readonly options: StompWorldOptions = {}) {
    const { clock } = this;
    this.random = new SeededRandom(options.seed ?? 1);
    const random = this.random.split();
    const pieceBytesMax = options.pieceBytesMax ?? 65_536;
    this.network = new MemoryNetwork({ clock, random, delayMs: 0.1, pieceBytesMax });
    this.time = virtualTime(clock);
    this.listen();
  }

  listen(): void {
    this.network
      .node('broker')
      .listen(
        { host: '127.0.0.1', port: 61_613 },
        { onListening: () => undefined, onFailed: (cause) => assertNever(cause), onLink: (link) => this.accept(link) },
      );
  }

  makeApp(options: TestAppOptions): TestApp {
    return new TestApp(this, { log: this.log, ...options });
  }

  describeBus(roster: readonly Subscriber[]): BusDescription {
    const { properties = {}, channels = contractChannels } = this.options;
    return { name: 'bus', provider: 'activemq', address: '', port: 0, properties, channels, roster };
  }

  providerFor(app: string): ActiveMqProvider {
    return new ActiveMqProvider({ network: this.network.node(app), variables: this.options.variables ?? {} });
  }

  until(condition: () => boolean, what: string): Promise<void> {
    return this.time.until(condition, what);
  }

  pass(durationMs: number): Promise<void> {
    return this.time.pass(durationMs);
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }

  /** All frames of this command that any client has sent. */
  sent(command: string): StompFrame[] {
    return this.clients.flatMap(({ frames }) => frames.filter((frame) => frame.command === command));
  }

  /** The client that has subscribed last, and the id of its subscription. */
  get subscriber(): { readonly client: ClientLink; readonly id: string } {
    const client = this.clients.findLast(({ frames }) => frames.some(({ command }) => command === 'SUBSCRIBE'))!;
    const frame = client.frames.findLast(({ command }) => command === 'SUBSCRIBE')!;
    return { client, id: frame.headers['id']! };
  }

  /** A message for the last subscription. */
  deliver(number: number, headers: Record<string, string> = {}, body = `m${number}`): void {
    const { client, id } = this.subscriber;
    client.say(
      'MESSAGE',
      { subscription: id, 'message-id': `${number}`, ack: `a${number}`, destination: '/q', ...headers },
      body,
    );
  }

  get loggedCodes(): string[] {
    return this.lines.flatMap(({ error }) => (error instanceof AepError ? [error.code] : []));
  }

  get logText(): string {
    return this.lines.map((line) => `${line.level} ${line.message} ${JSON.stringify(line.facts)}`).join('\n');
  }

  private accept(link: Link): LinkHandler {
    const number = this.clients.length + 1;
    const frames: StompFrame[] = [];
    const say: ClientLink['say'] = (command, headers = {}, body = '') => {
      this.tap(number, '<', command, headers, body);
      link.write(encodeFrame(command, headers, body));
    };
    const client: ClientLink = { number, link, frames, say };
    this.clients.push(client);
    const reader = new StompFrameReader((frame) => {
      frames.push(frame);
      this.tap(number, '>', frame.command, frame.headers, textOf(frame));
      if (this.reaction(frame, client) === 'pass') react(frame, client);
    }, LIMITS);
    return {
      onOpen: () => undefined,
      onBytes: (bytes) => reader.push(bytes),
      onWritten: () => undefined,
      onClose: () => undefined,
    };
  }

  // oxlint-disable-next-line max-params -- the parts of a line
  private tap(number: number, way: '<' | '>', command: string, headers: StompHeaders, body: string): void {
    const shown = Object.entries(headers).map(([name, value]) => `${name}=${JSON.stringify(value).slice(1, -1)}`);
    this.options.tap?.([`${number}${way}`, command, ...shown, ...(body === '' ? [] : [`| ${body}`])].join(' '));
  }
}

export function textOf(frame: Pick<StompFrame, 'bytes' | 'start' | 'end'>): string {
  return decoder.decode(frame.bytes.subarray(frame.start, frame.end));
}

function react({ command, headers }: StompFrame, client: ClientLink): void {
  if (command === 'CONNECT') client.say('CONNECTED', { version: '1.2', 'heart-beat': '0,0' });
  const { receipt } = headers;
  if (receipt !== undefined) client.say('RECEIPT', { 'receipt-id': receipt });
  if (command === 'DISCONNECT') client.link.close();
}

function encodeFrame(command: string, headers: Record<string, string>, body: string): Uint8Array {
  const bytes = encoder.encode(body);
  const escape = (text: string): string =>
    command === 'CONNECTED'
      ? text
      : text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll(':', '\\c');
  const lines = Object.entries(headers).map(([name, value]) => `${escape(name)}:${escape(value)}\n`);
  return Buffer.concat([
    encoder.encode(`${command}\n${lines.join('')}content-length:${bytes.length}\n\n`),
    bytes,
    Buffer.of(0),
  ]);
}

function assertNever(cause: AepError): never {
  throw cause;
}
