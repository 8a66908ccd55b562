import { FrameReader as AnyFrameReader, type FrameSink } from '@aep/net/internal';
import { DIRECT_FAULTS } from './protocol.js';

export type { FrameSink };

/** Cuts a byte stream into the frames of the direct bus. `push` throws AEP_DIRECT_FRAME_TOO_LARGE, AEP_DIRECT_CHECKSUM, AEP_DIRECT_PROTOCOL (retry). */
export class FrameReader extends AnyFrameReader {
  constructor(sink: FrameSink, frameBytesMax: number) {
    super(sink, frameBytesMax, DIRECT_FAULTS);
  }
}
