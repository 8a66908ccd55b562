export type {
  Binding,
  BindingListener,
  BindingOptions,
  BusCapabilities,
  BusDescription,
  BusProvider,
  ChannelDescription,
  Delivery,
  DeliveryResult,
  Outbound,
  Qos,
  SendResult,
  Subscriber,
} from './binding-contract.js';
export { describeBus } from './describe-bus.js';
export { QosCode } from './binding-contract.js';
export { BindingCounts } from './binding-counts.js';
export { type BindingState, BusBinding } from './bus-binding.js';
export { compileFilter, FILTER_PATTERNS_MAX } from './keys/filter.js';
export type { KeyTable, KeyTemplateOptions } from './keys/key-options.js';
export type { KeyResolver } from './keys/key-resolver.js';
export { compileKeyTemplate, type KeyTemplate } from './keys/key-template.js';
export { PatternMatcher } from './keys/pattern-matcher.js';
export { patternMatches } from './keys/pattern-syntax.js';
export { LoopbackProvider } from './loopback/loopback-provider.js';
export { BusProviderRegistry } from './provider-registry.js';
export { ExecutorProvider, type ExecutorProviderOptions } from './executor/executor-provider.js';
export { ExecutorFactory, ExecutorFailure } from './gen/executor.js';
export { InProcessRunner } from './executor/in-process-runner.js';
export {
  type EncodedResult,
  type ExecutorTask,
  messageTask,
  type TaskFunction,
  type TaskResult,
} from './executor/task.js';
export type { TaskOutcome, TaskRunner, TaskRunnerFactory } from './executor/task-runner.js';
