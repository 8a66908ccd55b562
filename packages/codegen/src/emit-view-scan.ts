import type { FieldPlan } from './field-plan.js';
import type { FileContext } from './file-context.js';
import { emitClear, emitReset } from './emit-view-reset.js';
import type { OneofSchema } from './schema.js';
import { caseSlot, isScalar, state } from './view-slots.js';

/**
 * The pass over the tags. Senders write fields in the order of their numbers, so that order is tried first, by plain comparisons
 * (a third faster than jumping through a switch for each field); the loop behind it takes any order and the rest.
 */
export function emitScan(context: FileContext, plans: readonly FieldPlan[], oneofs: readonly OneofSchema[]): void {
  new ScanEmitter(context, plans, oneofs).emit();
}

function isInOrder(plan: FieldPlan): boolean {
  return isScalar(plan) && plan.tagSize === 1;
}

class ScanEmitter {
  constructor(
    private readonly context: FileContext,
    private readonly plans: readonly FieldPlan[],
    private readonly oneofs: readonly OneofSchema[],
  ) {}

  private get writer(): FileContext['writer'] {
    return this.context.writer;
  }

  emit(): void {
    const { writer, context } = this;
    writer.block('override $open(): void {', () => {
      writer.line(`if (this.$state !== ${state('WRAPPED')}) this.$refuseUse();`);
      const inOrder = this.plans.filter(isInOrder);
      const others = this.plans.filter((plan) => !isInOrder(plan));
      emitClear(context, others, this.oneofs);
      writer.line('const bytes = this.$bytes;');
      writer.line('const end = this.$end;');
      writer.line('let at = this.$start;');
      if (inOrder.length > 0) writer.line('let tag = bytes[at]!;');
      for (const plan of inOrder) {
        // Only what is not there has to be cleared: what is there is decoded anew when it is read.
        const open = `if (tag === ${plan.tag} && at < end) {`;
        const whenThere = (): void => {
          writer.line('at++;');
          this.emitScanScalar(plan);
          writer.line('tag = bytes[at]!;');
        };
        writer.block(open, whenThere, '} else {');
        writer.indented(() => emitReset(context, plan));
        writer.line('}');
      }
      writer.block('while (at < end) {', () => {
        writer.line('const start = at;');
        writer.line(`${inOrder.length > 0 ? '' : 'let '}tag = bytes[at++]!;`);
        writer.block('if (tag >= 0x80) {', () => {
          writer.line(`tag = ${context.runtime('readLongTag')}(bytes, start, end);`);
          writer.line(`at = ${context.runtime('wire')}.at;`);
        });
        this.emitScanSwitch();
      });
      writer.line('if (at !== end) this.$refuseBytes();');
      writer.line(`this.$state = ${state('READABLE')};`);
    });
    writer.line();
  }

  private emitScanSwitch(): void {
    const { writer, context } = this;
    writer.block('switch (tag) {', () => {
      for (const plan of this.plans) {
        const isPackable = plan.category === 'list' && plan.traits.wireType !== 2;
        writer.line(`case ${plan.tag}:`);
        // Packed or not shows in the tag.
        if (isPackable) writer.line(`case ${((plan.field.number << 3) | 2) >>> 0}:`);
        writer.indented(() => {
          if (isScalar(plan)) this.emitScanScalar(plan);
          else if (plan.category === 'message') this.emitScanMessage(plan);
          else this.emitScanCollection(plan, isPackable);
          writer.line('break;');
        });
      }
      writer.line('default:');
      writer.indented(() => {
        writer.line(`at = ${context.runtime('afterUnknown')}(bytes, at, end, tag);`);
        writer.line('(this.$unknown ??= []).push(start, at);');
      });
    });
  }

  private emitScanScalar(plan: FieldPlan): void {
    const { writer, context } = this;
    const { at, field } = plan;
    const { wireType } = plan.traits;
    writer.line(`${at} = at;`);
    if (wireType === 0) {
      writer.line('while (bytes[at++]! >= 0x80);');
      writer.line(`if (at - ${at} > 10) this.$refuseBytes();`);
    } else if (wireType === 2) {
      writer.line(`at = bytes[at]! < 0x80 ? at + 1 + bytes[at]! : ${context.runtime('afterBytes')}(bytes, at, end);`);
    } else {
      writer.line(`at += ${wireType === 1 ? 8 : 4};`);
    }
    if (plan.hasFlag) writer.line(`${plan.has} = true;`);
    if (field.oneof !== undefined) writer.line(`${caseSlot(field.oneof)} = ${field.number};`);
  }

  private emitScanMessage(plan: FieldPlan): void {
    const { writer, context } = this;
    const { at, end, field } = plan;
    const isSecond = field.oneof === undefined ? `${at} !== 0` : `${caseSlot(field.oneof)} === ${field.number}`;
    writer.line(`if (${isSecond}) return this.$rescanMerged();`);
    // The content starts behind the length; afterBytes leaves that place in wire.at.
    writer.line(`${end} = ${context.runtime('afterBytes')}(bytes, at, end);`);
    writer.line(`${at} = ${context.runtime('wire')}.at;`);
    writer.line(`at = ${end};`);
    if (field.oneof !== undefined) writer.line(`${caseSlot(field.oneof)} = ${field.number};`);
  }

  /** Elements are looked for between the first and the last occurrence when the list is first read. */
  private emitScanCollection(plan: FieldPlan, isPackable: boolean): void {
    const { writer, context } = this;
    writer.line(`if (${plan.end} === 0) ${plan.at} = start;`);
    if (isPackable) writer.line(`at = ${context.runtime('afterUnknown')}(bytes, at, end, tag);`);
    else writer.line(`at = ${context.runtime('afterBytes')}(bytes, at, end);`);
    writer.line(`${plan.end} = at;`);
  }
}
