export { type DeliveryPosition, readAckSubject } from './ack-subject.js';
