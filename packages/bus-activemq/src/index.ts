export { ActiveMqProvider, type ActiveMqProviderOptions } from './activemq-provider.js';
