export { DirectBinding } from './direct-binding.js';
export { FrameWriter } from './frame-writer.js';
export { ChunkPool, FrameReader } from '@aep/net/internal';
export { DIRECT_FAULTS, FrameType, writeU32, writeU53 } from './protocol.js';
export { encodeHello, encodeProof, encodeWelcome, type Hello, makeProof } from './handshake.js';
