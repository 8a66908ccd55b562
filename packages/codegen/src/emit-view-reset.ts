import type { FieldPlan } from './field-plan.js';
import type { FileContext } from './file-context.js';
import type { OneofSchema } from './schema.js';
import { caseSlot, isCollection, pending } from './view-slots.js';

/** The fields are absent, no oneof has a member set, and there is nothing that the schema does not know. */
export function emitClear(context: FileContext, plans: readonly FieldPlan[], oneofs: readonly OneofSchema[]): void {
  const { writer } = context;
  for (const plan of plans) emitReset(context, plan);
  for (const oneof of oneofs) writer.line(`${caseSlot(oneof)} = 0;`);
  writer.line('this.$unknown = undefined;');
}

/** One field is absent. */
export function emitReset({ writer }: FileContext, plan: FieldPlan): void {
  const { slot, category } = plan;
  if (isCollection(plan)) writer.line(`if (${slot} !== undefined) ${slot}.$empty();`);
  else if (category === 'message') writer.line(`if (${slot} !== undefined) ${slot}.$dropEmbedded();`);
  else writer.line(`${slot} = ${plan.initial};`);
  writer.line(`${pending(plan)} = 0;`);
  if (plan.hasFlag) writer.line(`${plan.has} = false;`);
}
