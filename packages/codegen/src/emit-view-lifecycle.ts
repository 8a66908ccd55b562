import type { FileContext } from './file-context.js';
import { state } from './view-slots.js';

/**
 * The steps that every message goes through. MessageView has them too; written out in each class they stay monomorphic: with many
 * message types, V8 would look up each property in the shared ones, 30 to 80 ns per message. What is unusual is left to the base.
 */
export function emitLifecycle(context: FileContext, name: string, hasChildren: boolean): void {
  const { writer } = context;
  const runtime = (name: string): string => context.runtime(name);
  writer.block('override $wrap(bytes: Uint8Array, start: number, end: number): void {', () => {
    writer.line('this.$bytes = bytes;');
    writer.line('this.$start = start;');
    writer.line('this.$end = end;');
    writer.line('this.$holders = 1;');
    writer.line(`this.$state = ${state('WRAPPED')};`);
  });
  writer.line();
  writer.block('override $createEmpty(): void {', () => {
    writer.line('this.$clear();');
    writer.line('this.$holders = 1;');
    writer.line(`this.$state = ${state('MUTABLE')};`);
  });
  writer.line();
  writer.block('override dispose(): void {', () => {
    const isOurs = `this.$state > ${state('GIVEN_MUTABLE')} && this.$holders === 1 && this.$parent === undefined`;
    writer.line(`if (!(${isOurs}) || ${runtime('checkedMode')}.on) return super.dispose();`);
    if (hasChildren) writer.line("this.$tellChildren('dropped');");
    writer.line('this.$holders = 0;');
    writer.line(`this.$state = ${state('DISPOSED')};`);
    writer.line(`this.$bytes = ${runtime('noBytes')};`);
    writer.line(`${name}$type.pool.give(this);`);
  });
  writer.line();
  writer.block('override $encodeTo(target: Uint8Array, offset: number): number {', () => {
    writer.line(`if (this.$state !== ${state('MUTABLE')}) return super.$encodeTo(target, offset);`);
    writer.line('const end = this.$encodeFields(target, offset);');
    writer.line('return end <= target.length ? end : this.$refuseTarget(target, offset, end);');
  });
  writer.line();
}
