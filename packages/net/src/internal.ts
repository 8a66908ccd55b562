export { type ConnectionTimes, FramedConnection, type FrameProtocol } from './frames/framed-connection.js';
export { FRAME_HEADER_BYTES, type FrameFaults, FrameReader, type FrameSink } from './frames/frame-reader.js';
export { ChunkPool, FrameWriter } from './frames/frame-writer.js';
export { readU16, readU32, readU53, writeU16, writeU32, writeU53 } from './frames/little-endian.js';
export { PayloadReader, PayloadWriter } from './frames/payload.js';
export {
  encodeProof,
  faultOfProof,
  makeSecretProof,
  NONCE_BYTES,
  type ProofFault,
  type ProofSubject,
  readProof,
} from './frames/secret-proof.js';
