import { DIRECT_FAULTS, FrameReader, FrameType } from '@aep/bus-direct/internal';
import type { Link, LinkHandler, Network } from '@aep/net';

const names = new Map<number, string>(Object.entries(FrameType).map(([name, type]) => [type, name]));

/** A network whose connections write down each frame in both directions, as the connecting side sees them. */
export function tapNetwork(network: Network, from: string, note: (line: string) => void): Network {
  return {
    listen: (address, handler) => network.listen(address, handler),
    connect: (address, handler) => {
      const to = String.fromCharCode('a'.charCodeAt(0) + address.port - 5001);
      const outbound = frameNotes(`${from} > ${to}`, note);
      const inbound = frameNotes(`${from} < ${to}`, note);
      const tapped: LinkHandler = {
        onOpen: () => handler.onOpen(),
        onBytes: (bytes) => {
          inbound.push(bytes);
          handler.onBytes(bytes);
        },
        onWritten: (chunk) => handler.onWritten(chunk),
        onClose: (cause) => {
          note(`${from} x ${to} ${cause?.code ?? 'in order'}`);
          handler.onClose(cause);
        },
      };
      return tapLink(network.connect(address, tapped), outbound);
    },
  };
}

function tapLink(link: Link, outbound: FrameReader): Link {
  return {
    get remote() {
      return link.remote;
    },
    get bufferedBytes() {
      return link.bufferedBytes;
    },
    write: (chunk) => {
      // The chunk is used again, the tap must not hold on to it.
      outbound.push(chunk.slice());
      link.write(chunk);
    },
    flush: () => link.flush(),
    pause: () => link.pause(),
    resume: () => link.resume(),
    close: () => link.close(),
    abort: () => link.abort(),
  };
}

function frameNotes(direction: string, note: (line: string) => void): FrameReader {
  const onFrame = (type: number, bytes: Uint8Array, start: number, end: number): void =>
    note(`${direction} ${names.get(type) ?? type}${detail(type, bytes.subarray(start, end))}`);
  return new FrameReader({ onFrame }, 1_000_000, DIRECT_FAULTS);
}

/** What a reader of a trace wants to see of a frame. */
function detail(type: number, payload: Uint8Array): string {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  if (type === FrameType.join) return ` channel ${view.getUint32(0, true)}`;
  if (type === FrameType.ack) return ` up to ${view.getBigUint64(0, true)}`;
  if (type === FrameType.bye) return ` ${new TextDecoder().decode(payload.subarray(2, 2 + view.getUint16(0, true)))}`;
  if (type !== FrameType.messages) return ` (${payload.length} bytes)`;
  const records: string[] = [];
  for (let at = 8; at < payload.length;) {
    const keyLength = view.getUint16(at + 5, true);
    const metadataLength = view.getUint16(at + 7, true);
    const start = at + 13 + keyLength + metadataLength;
    const end = start + view.getUint32(at + 9, true);
    const again = payload[at] === 1 ? ' again' : '';
    records.push(`${new TextDecoder().decode(payload.subarray(start, end))}${again}`);
    at = end;
  }
  return ` from ${view.getBigUint64(0, true)}: ${records.join(', ')}`;
}
