export { NatsProvider, type NatsProviderOptions } from './nats-provider.js';
