import { DISPOSED, GIVEN_MUTABLE, MUTABLE, READABLE, WRAPPED } from '@aep/messages/runtime';
import type { FieldPlan } from './field-plan.js';
import type { OneofSchema } from './schema.js';

/** Where a view class keeps things. */

const states = { DISPOSED, WRAPPED, GIVEN_MUTABLE, READABLE, MUTABLE };

/**
 * A state of view-state.ts as generated code writes it: the number itself. An imported name is looked up by each getter and takes room that
 * V8 needs to inline the getter, and a getter that is not inlined boxes the double that it answers.
 */
export function state(name: keyof typeof states): string {
  return `${states[name]} /* ${name} */`;
}

export function isCollection(plan: FieldPlan): boolean {
  return plan.category === 'list' || plan.category === 'map';
}

/** Property that is not 0 while the value is only bytes. A list's first byte can be at 0, its end cannot. */
export function pending(plan: FieldPlan): string {
  return isCollection(plan) ? plan.end : plan.at;
}

export function isScalar(plan: FieldPlan): boolean {
  return plan.category === 'number' || plan.category === 'text';
}

/** Whether a view decodes the value each time that it is read: for a number that costs less than to remember it. */
export function isDecodedEachTime(plan: FieldPlan): boolean {
  return plan.category === 'number' && plan.traits.tsType !== 'bigint';
}

export function isRange(plan: FieldPlan): boolean {
  return isCollection(plan) || plan.category === 'message';
}

export function caseSlot(oneof: OneofSchema): string {
  return `this._${oneof.tsName}$case`;
}

export function upperOneof(oneof: OneofSchema): string {
  return oneof.tsName.charAt(0).toUpperCase() + oneof.tsName.slice(1);
}
