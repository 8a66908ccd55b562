export { type DeliveryPosition, readAckSubject } from './ack-subject.js';
export { decodeHead, encodeHead, statusOf } from './headers.js';
export { OrderKeeper } from './order-keeper.js';
export { PublishPipeline, type PublishStep } from './publish-pipeline.js';
export { ChannelSubjects, fromToken, KeyFilter, toToken } from './subjects.js';
