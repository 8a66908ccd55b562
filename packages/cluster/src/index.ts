export {
  type ArbiterDescriptor,
  type EmbeddedDescriptor,
  type EtcdDescriptor,
  parseArbiterDescriptor,
} from './arbiter/arbiter-descriptor.js';
export type { Arbiter, GroupRecord, MemberRef, Presence, SwapAnswer } from './arbiter/arbiter.js';
export { type EmbeddedArbiter, type EmbeddedArbiterOptions, openEmbeddedArbiter } from './arbiter/embedded-arbiter.js';
export { type EtcdArbiter, type EtcdArbiterOptions, openEtcdArbiter } from './arbiter/etcd-arbiter.js';
export { type EtcdExchange, type EtcdHttp, type EtcdTls, NodeEtcdHttp } from './arbiter/etcd-http.js';
export {
  type MemoryArbiter,
  MemoryArbiterFaults,
  type MemoryArbiterOptions,
  MemoryRegister,
} from './arbiter/memory-arbiter.js';
export { openArbiter, type OpenArbiterOptions } from './arbiter/open-arbiter.js';
export type { EngineListener, EngineMaker, RunningEngine } from './member/engine-port.js';
export type { MemberEvent, MemberRole } from './member/events.js';
export { type MarkName, MARKS } from './member/marks.js';
export { Member, type MemberPorts } from './member/member.js';
export type { MemberLimits, MemberOptions } from './member/options.js';
export type { FollowerStatus, MemberStatus } from './member/status.js';
export type { ReplayListener, ReplayPort, ReplayStatus } from './replication/replay-port.js';
