import { FrameType, LINK_FAULTS } from '@aep/cluster/internal';
import type { Link, LinkHandler, Network } from '@aep/net';
import { FrameReader, PayloadReader } from '@aep/net/internal';

const names = new Map<number, string>(Object.entries(FrameType).map(([name, type]) => [type, name]));

/** A network whose connections write down each frame in both directions, as the follower sees them; heartbeats that say nothing new are left out. */
export function tapNetwork(
  network: Network,
  from: string,
  toWhom: (port: number) => string,
  note: (line: string) => void,
): Network {
  return {
    listen: (address, handler) => network.listen(address, handler),
    connect: (address, handler) => {
      const to = toWhom(address.port);
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
      outbound.push(chunk.slice()); // the chunk is used again, the tap must not hold on to it
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
  let last = '';
  const onFrame = (type: number, bytes: Uint8Array, start: number, end: number): void => {
    const line = `${direction} ${names.get(type) ?? type}${detail(type, new PayloadReader(bytes, start, end, 'tapped', LINK_FAULTS.malformed))}`;
    const isNews = line !== last && type !== FrameType.heartbeat;
    last = line;
    if (isNews) note(line);
  };
  return new FrameReader({ onFrame }, 10_000_000, LINK_FAULTS);
}

/** What a reader of a trace wants to see of a frame. */
function detail(type: number, reader: PayloadReader): string {
  switch (type) {
    case FrameType.records:
      return ` epoch ${reader.u32()} stable ${reader.u53()} confirmed ${reader.u53()} first ${reader.u53()}: ${recordsIn(reader)}`;
    case FrameType.mark:
      return ` epoch ${reader.u32()} stable ${reader.u53()} confirmed ${reader.u53()} first ${reader.u53()}`;
    case FrameType.acked:
      return ` epoch ${reader.u32()} record ${reader.u53()}`;
    case FrameType.probe:
    case FrameType.follow:
      return ` record ${reader.u53()}`;
    case FrameType.probed:
      return ` record ${reader.u53()}${reader.u8() === 1 ? '' : ' not kept'}`;
    case FrameType.paired:
      return ` epoch ${reader.u53()}`;
    case FrameType.copyTaken:
      return ` ${reader.text() === '' ? 'no store' : 'a store'}, ${reader.u32()} chunks`;
    case FrameType.bye:
      return ` ${reader.text()}`;
    default:
      return '';
  }
}

function recordsIn(reader: PayloadReader): string {
  const txIds: number[] = [];
  while (reader.left > 0) {
    const length = reader.u32();
    reader.take(8);
    txIds.push(reader.u53());
    reader.take(length - 20);
  }
  return txIds.length === 1 ? `${txIds[0]}` : `${txIds[0]}..${txIds.at(-1)}`;
}
