export { channelUnknown } from './bus-binding.js';
export { descriptorInvalid, integerProperty, type IntegerProperty } from './bus-properties.js';
export { type Queued, SubscriberQueue } from './subscriber-queue.js';
export { copyOutbound } from './outbound-copy.js';
