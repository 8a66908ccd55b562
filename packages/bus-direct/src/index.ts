export { DirectProvider, type DirectProviderOptions } from './direct-provider.js';
