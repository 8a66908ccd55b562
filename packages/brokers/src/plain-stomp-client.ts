import { connect, type Socket } from 'node:net';

export interface PlainFrame {
  readonly command: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/**
 * Somebody else's STOMP client: written from the protocol's text, over a bare socket, and sharing nothing with the codec that is tested.
 * It waits in polls, because it is meant to be looked through at a glance.
 */
export class PlainStompClient {
  readonly frames: PlainFrame[] = [];
  isClosed = false;
  private readonly socket: Socket;
  private buffer = Buffer.alloc(0);

  private constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port });
    this.socket.on('data', (data) => this.take(data));
    this.socket.on('close', () => (this.isClosed = true));
    this.socket.on('error', () => undefined);
  }

  /** Connects and returns once the broker has answered CONNECTED or ERROR. */
  static async connect(port: number, headers: Record<string, string> = {}): Promise<PlainStompClient> {
    const client = new PlainStompClient(port);
    client.send('CONNECT', { 'accept-version': '1.2', host: 'localhost', ...headers });
    await client.until(() => client.frames.length > 0 || client.isClosed);
    return client;
  }

  send(command: string, headers: Record<string, string>, body: Uint8Array | string = ''): void {
    const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
    this.socket.write(Buffer.concat([Buffer.from(`${command}\n${lines.join('')}\n`), Buffer.from(body), Buffer.of(0)]));
  }

  /** Sends, and waits until the broker has done it. */
  async ask(command: string, headers: Record<string, string>, body: Uint8Array | string = ''): Promise<PlainFrame> {
    const receipt = `plain-${Math.floor(performance.now() * 1000)}`;
    this.send(command, { ...headers, receipt }, body);
    const isAnswer = ({ command: answer, headers: answered }: PlainFrame): boolean =>
      answer === 'ERROR' || answered.get('receipt-id') === receipt;
    await this.until(() => this.frames.some(isAnswer) || this.isClosed);
    return this.frames.find(isAnswer)!;
  }

  messages(): PlainFrame[] {
    return this.frames.filter(({ command }) => command === 'MESSAGE');
  }

  async until(condition: () => boolean, waitMs = 10_000): Promise<boolean> {
    const deadline = performance.now() + waitMs;
    while (!condition() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 5));
    return condition();
  }

  close(): void {
    this.socket.destroy();
  }

  private take(data: Buffer): void {
    this.buffer = Buffer.concat([this.buffer, data]);
    for (;;) {
      let start = 0;
      while (this.buffer[start] === 10) start++;
      const head = this.buffer.indexOf('\n\n', start);
      if (head < 0) return;
      const [command = '', ...lines] = this.buffer.toString('utf8', start, head).split('\n');
      const headers = new Map(
        lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
      );
      const length = headers.get('content-length');
      const end = length === undefined ? this.buffer.indexOf(0, head + 2) : head + 2 + Number(length);
      if (end < 0 || end >= this.buffer.length) return;
      this.frames.push({ command, headers, body: this.buffer.subarray(head + 2, end) });
      this.buffer = this.buffer.subarray(end + 1);
    }
  }
}
