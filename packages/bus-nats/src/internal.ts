export { type DeliveryPosition, readAckSubject } from './ack-subject.js';
export { decodeHead, encodeHead, statusOf } from './headers.js';
export { createInbox, JetStreamApi } from './jetstream-api.js';
export type { Link, LinkMessage } from './link.js';
export { OrderKeeper } from './order-keeper.js';
export { PublishPipeline, type PublishStep } from './publish-pipeline.js';
export { ChannelSubjects, fromToken, KeyFilter, toToken } from './subjects.js';
