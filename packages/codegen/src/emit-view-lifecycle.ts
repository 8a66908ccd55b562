import type { FileContext } from './file-context.js';

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
    writer.line(`this.$state = ${runtime('WRAPPED')};`);
  });
  writer.line();
  writer.block('override $createEmpty(): void {', () => {
    writer.line('this.$clear();');
    writer.line('this.$holders = 1;');
    writer.line(`this.$state = ${runtime('MUTABLE')};`);
  });
  writer.line();
  writer.block('override $open(): void {', () => {
    writer.line(`if (this.$state !== ${runtime('WRAPPED')}) return super.$open();`);
    writer.line('this.$scan();');
    writer.line(`this.$state = ${runtime('READABLE')};`);
  });
  writer.line();
  writer.block('override dispose(): void {', () => {
    const isOurs = `this.$state > ${runtime('GIVEN_MUTABLE')} && this.$holders === 1 && this.$parent === undefined`;
    writer.line(`if (!(${isOurs}) || ${runtime('checkedMode')}.on) return super.dispose();`);
    if (hasChildren) writer.line("this.$tellChildren('dropped');");
    writer.line('this.$holders = 0;');
    writer.line(`this.$state = ${runtime('DISPOSED')};`);
    writer.line(`this.$bytes = ${runtime('noBytes')};`);
    writer.line(`${name}$type.pool.give(this);`);
  });
  writer.line();
  writer.block('override $encodeTo(target: Uint8Array, offset: number): number {', () => {
    writer.line(`if (this.$state !== ${runtime('MUTABLE')}) return super.$encodeTo(target, offset);`);
    writer.line('const end = this.$encodeFields(target, offset);');
    writer.line('return end <= target.length ? end : this.$refuseTarget(target, offset, end);');
  });
  writer.line();
}
