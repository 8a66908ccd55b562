export { DirectBinding } from './direct-binding.js';
export { FrameReader, type FrameSink } from './frame-reader.js';
export { FrameWriter } from './frame-writer.js';
export { ChunkPool } from '@aep/net/internal';
export { FrameType, writeU32, writeU53 } from './protocol.js';
export { encodeHello, encodeProof, encodeWelcome, type Hello, makeProof } from './handshake.js';
