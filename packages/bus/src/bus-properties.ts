import { AepError } from '@aep/kernel';
import type { BusDescription } from './binding-contract.js';

/** What is wrong with the description of a bus: names the bus and what to change. */
export function descriptorInvalid(bus: BusDescription, why: string): AepError {
  return new AepError('AEP_BUS_DESCRIPTOR_INVALID', 'reject', `bus "${bus.name}" (${bus.provider}): ${why}`, {
    bus: bus.name,
    provider: bus.provider,
  });
}

export interface IntegerProperty {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly defaultValue: number;
}

/** An integer property of a bus, or its default. @throws AEP_BUS_DESCRIPTOR_INVALID naming property, range and value */
export function integerProperty(bus: BusDescription, property: IntegerProperty): number {
  const { name, min, max, defaultValue } = property;
  const text = Object.hasOwn(bus.properties, name) ? bus.properties[name]! : undefined;
  if (text === undefined) return defaultValue;
  const value = /^\d{1,15}$/.test(text.trim()) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw descriptorInvalid(bus, `property "${name}": expected an integer in ${min}..${max}, got "${text.slice(0, 80)}"`);
}
