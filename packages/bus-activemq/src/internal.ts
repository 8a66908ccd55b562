export { StompFrameReader } from './stomp/frame-reader.js';
export { StompConnection, type StompConnectionEvents, type StompConnectionOptions } from './stomp/stomp-connection.js';
export { headerLine } from './stomp/header-text.js';
export type { StompFrame, StompHeaders, StompLimits } from './stomp/stomp-frame.js';
