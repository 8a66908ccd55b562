export { DirectBinding } from './direct-binding.js';
export { FrameReader, type FrameSink } from './frame-reader.js';
export { ChunkPool, FrameWriter } from './frame-writer.js';
export { FrameType, HANDSHAKE_FRAME_BYTES_MAX } from './protocol.js';
