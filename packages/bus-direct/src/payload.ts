import { PayloadReader as AnyPayloadReader } from '@aep/net/internal';
import { protocolError } from './protocol.js';

export { PayloadWriter } from '@aep/net/internal';

/** Reads the payload of a small frame of the direct bus; what does not fit is AEP_DIRECT_PROTOCOL. */
export class PayloadReader extends AnyPayloadReader {
  constructor(bytes: Uint8Array, at: number, end: number, frame: string) {
    super(bytes, at, end, frame, protocolError);
  }
}
