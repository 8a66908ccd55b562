import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AepError } from '@aep/kernel';
import { headerLine, StompFrameReader, type StompLimits } from '@aep/bus-activemq/internal';
import fc from 'fast-check';

const LIMITS: StompLimits = { headBytesMax: 4000, headerCountMax: 20, bodyBytesMax: 1000 };
const encoder = new TextEncoder();

interface Read {
  readonly command: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly isOversized: boolean;
}

function readAll(pieces: Iterable<Uint8Array>, limits = LIMITS): Read[] {
  const frames: Read[] = [];
  const reader = new StompFrameReader(({ command, headers, bytes, start, end, isOversized }) => {
    const body = Buffer.from(bytes.subarray(start, end)).toString('latin1');
    frames.push({ command, headers: { ...headers }, body, isOversized });
  }, limits);
  for (const piece of pieces) reader.push(piece);
  return frames;
}

function readText(text: string, limits = LIMITS): Read[] {
  return readAll([Buffer.from(text, 'utf8')], limits);
}

function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const size = Math.max(1, sizes[index % Math.max(1, sizes.length)] ?? 7);
    pieces.push(bytes.slice(at, at + size));
    at += size;
  }
  return pieces;
}

function refusal(text: string, limits = LIMITS): string {
  try {
    readText(text, limits);
  } catch (error) {
    assert.ok(error instanceof AepError, String(error));
    assert.equal(error.code, 'AEP_STOMP_PROTOCOL');
    return error.message;
  }
  return assert.fail('it was taken');
}

const header = fc.tuple(
  fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
    .filter((text) => !text.includes('\0') && text !== 'content-length'),
  fc.string({ unit: 'grapheme', maxLength: 30 }).filter((text) => !text.includes('\0')),
);
const frame = fc.record({
  command: fc.constantFrom('MESSAGE', 'RECEIPT', 'SEND'),
  headers: fc.array(header, { maxLength: 8 }),
  body: fc.uint8Array({ maxLength: 300 }),
  isCounted: fc.boolean(),
  hasReturns: fc.boolean(),
});

describe('the frame reader', () => {
  it('reads the same frames, however the stream is cut', () => {
    const property = fc.property(
      fc.array(frame, { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 20 }),
      (frames, sizes) => {
        const expected: Read[] = [];
        const parts: Uint8Array[] = [];
        for (const { command, headers, body, isCounted, hasReturns } of frames) {
          const bytes = isCounted ? body : body.map((byte) => (byte === 0 ? 1 : byte));
          const length: [string, string][] = isCounted ? [['content-length', String(bytes.length)]] : [];
          const all = [...headers, ...length];
          const first: Record<string, string> = Object.create(null) as Record<string, string>;
          for (const [name, value] of all) first[name] ??= value;
          const end = hasReturns ? '\r\n' : '\n';
          const lines = all.map(([name, value]) => headerLine(name, value).replace(/\n$/, end)).join('');
          parts.push(encoder.encode(`${command}${end}${lines}${end}`), bytes, Uint8Array.of(0, 10));
          const text = Buffer.from(bytes).toString('latin1');
          expected.push({ command, headers: { ...first }, body: text, isOversized: false });
        }
        assert.deepEqual(readAll(cut(Buffer.concat(parts), sizes)), expected);
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  it('takes line ends between frames as heartbeats', () => {
    assert.deepEqual(
      readText('\n\n\r\nRECEIPT\nreceipt-id:1\n\n\0\n\n\n').map(({ command }) => command),
      ['RECEIPT'],
    );
  });

  it('gives a body that lies in one piece as a range of it, without a copy', () => {
    const piece = Buffer.from('MESSAGE\ncontent-length:3\n\nabc\0');
    const reader = new StompFrameReader((read) => assert.equal(read.bytes, piece), LIMITS);
    reader.push(piece);
  });

  it('reads zero bytes in a counted body, and keeps the first of repeated headers', () => {
    const [read] = readText('MESSAGE\na:1\na:2\ncontent-length:3\n\n\0\0\0\0');
    assert.deepEqual(read, {
      command: 'MESSAGE',
      headers: { a: '1', 'content-length': '3' },
      body: '\0\0\0',
      isOversized: false,
    });
  });

  it('keeps headers such as __proto__ as what they are', () => {
    const [read] = readText('MESSAGE\n__proto__:x\nconstructor:y\n\n\0');
    assert.deepEqual(Object.entries(read!.headers), [
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });

  it('reads past a body over the limit and never keeps it, whatever its length claims, and goes on behind it', () => {
    const large = 'x'.repeat(5000);
    for (const head of ['content-length:5000\n', '']) {
      const frames = readAll(cut(Buffer.from(`MESSAGE\nack:7\n${head}\n${large}\0RECEIPT\nreceipt-id:1\n\n\0`), [333]));
      assert.deepEqual(
        frames.map(({ command, body, isOversized }) => [command, body, isOversized]),
        [
          ['MESSAGE', '', true],
          ['RECEIPT', '', false],
        ],
      );
    }
    // Nothing is allocated for a length that is only announced.
    assert.deepEqual(readText('MESSAGE\ncontent-length:999999999999999\n\nabc'), []);
  });

  it('refuses a head over its limits before its end has come', () => {
    assert.match(refusal(`MESSAGE\na:${'x'.repeat(5000)}`), /more than 4000 bytes/);
    assert.match(refusal(`MESSAGE\n${'a:b\n'.repeat(21)}\n\0`), /more than 20 headers/);
  });

  it('refuses what is no STOMP', () => {
    assert.match(refusal('HTTP/1.1 400 Bad Request\r\n\r\n'), /is this a STOMP connector/);
    assert.match(refusal('MESSAGE\nno colon\n\n\0'), /without a name/);
    assert.match(refusal('MESSAGE\na:\\t\n\n\0'), /unknown escape/);
    assert.match(refusal('MESSAGE\ncontent-length:-1\n\n\0'), /no number/);
    assert.match(refusal('MESSAGE\ncontent-length:1\n\nab\0'), /longer than its content-length/);
    assert.match(refusal('MESSAGE\na:\0\n\n\0'), /zero byte/);
    assert.throws(() => readAll([Buffer.from([0x4d, 0xff, 0x0a, 0x0a, 0])]), { code: 'AEP_STOMP_PROTOCOL' });
  });

  it('takes the texts of an ERROR as they are, escaped or not, because it may come before a version is agreed on', () => {
    const [read] = readText('ERROR\nmessage:C:\\temp is full\nno colon\n\nstack\0');
    assert.equal(read!.headers['message'], 'C:\\temp is full');
  });
});
