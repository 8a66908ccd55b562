export { MemoryNetwork, type MemoryNetworkOptions } from './memory-network.js';
export { formatAddress, isLoopbackHost, type NetAddress, parseAddress } from './net-address.js';
export {
  type Link,
  LINK_HIGH_WATER_BYTES,
  type LinkHandler,
  type Listener,
  type ListenHandler,
  type Network,
} from './network.js';
export { TcpNetwork } from './tcp-network.js';
export { TlsNetwork, type TlsOptions } from './tls-network.js';
