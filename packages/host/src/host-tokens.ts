import type { Clock, Log, Random } from '@aep/kernel';
import type { Model } from '@aep/model';
import type { InjectionToken } from 'tsyringe';
import type { AppDescriptor } from './app-descriptor.js';

/** What every app's container has for constructors beside the user's own services: `@inject(HostToken.log) log: Log`. */
export const HostToken = {
  log: Symbol('aep.log') as InjectionToken<Log>,
  clock: Symbol('aep.clock') as InjectionToken<Clock>,
  random: Symbol('aep.random') as InjectionToken<Random>,
  model: Symbol('aep.model') as InjectionToken<Model>,
  app: Symbol('aep.app') as InjectionToken<AppDescriptor>,
} as const;
