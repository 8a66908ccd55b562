import type { FieldPlan } from './field-plan.js';
import type { OneofSchema } from './schema.js';

/** Where a view class keeps things. */

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

export function isRange(plan: FieldPlan): boolean {
  return isCollection(plan) || plan.category === 'message';
}

export function caseSlot(oneof: OneofSchema): string {
  return `this._${oneof.tsName}$case`;
}

export function upperOneof(oneof: OneofSchema): string {
  return oneof.tsName.charAt(0).toUpperCase() + oneof.tsName.slice(1);
}
