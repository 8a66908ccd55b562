import { emitCheck, emitConstants, emitEncode, emitFieldTable, emitSizeMax, fieldDoc } from './emit-fields.js';
import { FieldPlan } from './field-plan.js';
import type { FileContext } from './file-context.js';
import type { FieldSchema, MessageSchema, OneofSchema } from './schema.js';

/** What an entity class is made of: a message, or the single values of a state root. */
export interface EntitySource {
  readonly name: string;
  readonly fullName: string;
  readonly comment: string;
  readonly fields: readonly FieldSchema[];
  readonly oneofs: readonly OneofSchema[];
}

export function entitySource(message: MessageSchema): EntitySource {
  const comment = message.comment ?? `Entity \`${message.fullName}\`.`;
  return {
    name: message.entityName,
    fullName: message.fullName,
    comment,
    fields: message.fields,
    oneofs: message.oneofs,
  };
}

/** Writes an entity class: decoded as a whole, every change announced. */
export function emitEntity(context: FileContext, source: EntitySource): void {
  new EntityEmitter(context, source).emit();
}

class EntityEmitter {
  private readonly plans: readonly FieldPlan[];

  constructor(
    private readonly context: FileContext,
    private readonly source: EntitySource,
  ) {
    this.plans = source.fields.map((field) => new FieldPlan(field, context, 'entity', source.name));
  }

  private get writer(): FileContext['writer'] {
    return this.context.writer;
  }

  emit(): void {
    const { context, source, writer } = this;
    emitConstants(context, this.plans);
    writer.doc(source.comment);
    writer.block(`export class ${source.name} extends ${context.message('Entity')} {`, () => {
      this.emitType();
      this.emitStorage();
      for (const plan of this.plans) this.emitField(plan);
      for (const oneof of source.oneofs) this.emitOneof(oneof);
      this.emitReset();
      this.emitMerge();
      this.emitChildPresent();
      this.emitEncoding();
    });
    writer.line();
    emitFieldTable(context, source.name, this.plans);
    writer.line();
  }

  private emitType(): void {
    const { context, source, writer } = this;
    const type = context.messageType('EntityType');
    writer.block(
      `static readonly $type: ${type}<${source.name}> = {`,
      () => {
        writer.line(`fullName: '${source.fullName}',`);
        writer.block('get fields() {', () => writer.line(`return ${source.name}$fields;`), '},');
        writer.line(`create: () => new ${source.name}(),`);
      },
      '};',
    );
    writer.line();
    writer.block(`override get $type(): ${type}<${source.name}> {`, () => writer.line(`return ${source.name}.$type;`));
    writer.line();
  }

  private emitStorage(): void {
    const { writer } = this;
    for (const plan of this.plans) {
      const slot = plan.slot.slice('this.'.length);
      const isObject = plan.category === 'message' || isCollection(plan);
      writer.line(
        isObject
          ? `private ${slot}: ${plan.tsType} | undefined = undefined;`
          : `private ${slot}: ${plan.tsType} = ${plan.initial};`,
      );
      if (plan.hasFlag) writer.line(`private ${slot}$has = false;`);
    }
    for (const oneof of this.source.oneofs) writer.line(`private ${caseSlot(oneof).slice('this.'.length)} = 0;`);
    writer.line();
  }

  private emitField(plan: FieldPlan): void {
    const { writer } = this;
    writer.doc(fieldDoc(plan));
    writer.block(`get ${plan.name}(): ${plan.tsType} {`, () => this.emitRead(plan));
    writer.line();
    if (isCollection(plan)) return;
    writer.block(`set ${plan.name}(value: ${plan.tsType}) {`, () => this.emitWrite(plan));
    writer.line();
    if (plan.field.presence) this.emitPresence(plan);
  }

  private emitCheckUse(): void {
    this.writer.line(`if (${this.context.runtime('checkedMode')}.on) this.$check();`);
  }

  private emitRead(plan: FieldPlan): void {
    const { writer } = this;
    this.emitCheckUse();
    if (isCollection(plan)) {
      writer.line(`return (${plan.slot} ??= ${newCollection(plan)});`);
    } else if (plan.category === 'message') {
      this.emitChild(plan);
      writer.line('return value;');
    } else {
      const { oneof, number } = plan.field;
      if (oneof !== undefined) writer.line(`if (${caseSlot(oneof)} !== ${number}) return ${plan.initial};`);
      writer.line(`return ${plan.slot};`);
    }
  }

  /** Declares `value`, the embedded entity; it is there from the first look on, present or not. */
  private emitChild(plan: FieldPlan): void {
    const { writer } = this;
    writer.line(`let value = ${plan.slot};`);
    writer.block('if (value === undefined) {', () => {
      writer.line(`value = ${plan.slot} = new ${plan.elementType}();`);
      writer.line(`value.$embed(this, ${plan.field.number}, false);`);
    });
  }

  private emitWrite(plan: FieldPlan): void {
    const { writer } = this;
    if (plan.category === 'message') {
      // The content is copied: an entity is part of one other at most.
      writer.line('const bytes = value.toBytes();');
      writer.line(`this.${plan.name}.$assign(bytes);`);
      return;
    }
    writer.line('this.$beforeChange();');
    emitCheck(plan);
    if (plan.field.oneof !== undefined) this.emitSetCase(plan);
    const { kind } = plan.field;
    // Bytes are copied: what the caller keeps could be changed behind the owner's back.
    const stored = kind === 'float' ? 'Math.fround(value)' : kind === 'bytes' ? 'value.slice()' : 'value';
    writer.line(`${plan.slot} = ${stored};`);
    if (plan.hasFlag) writer.line(`${plan.has} = true;`);
  }

  private emitSetCase(plan: FieldPlan): void {
    const { writer } = this;
    const oneof = plan.field.oneof!;
    writer.block(`if (${caseSlot(oneof)} !== ${plan.field.number}) {`, () => {
      writer.line(`this.$clear${upper(oneof)}();`);
      writer.line(`${caseSlot(oneof)} = ${plan.field.number};`);
    });
  }

  private isSet(plan: FieldPlan): string {
    const { oneof, number, presence } = plan.field;
    if (plan.category === 'message') return `${plan.slot} !== undefined && ${plan.slot}.$present`;
    if (oneof !== undefined) return `${caseSlot(oneof)} === ${number}`;
    return presence ? plan.has : plan.differs(plan.slot);
  }

  private emitPresence(plan: FieldPlan): void {
    const { writer } = this;
    writer.doc(`Whether \`${plan.field.name}\` is set.`);
    writer.block(`has${plan.upperName}(): boolean {`, () => {
      this.emitCheckUse();
      writer.line(`return ${this.isSet(plan)};`);
    });
    writer.line();
    writer.doc(`Unsets \`${plan.field.name}\`.`);
    writer.block(`clear${plan.upperName}(): void {`, () => {
      writer.line('this.$beforeChange();');
      const { oneof, number } = plan.field;
      if (oneof !== undefined) writer.line(`if (${caseSlot(oneof)} === ${number}) this.$clear${upper(oneof)}();`);
      else this.emitResetField(plan);
    });
    writer.line();
  }

  private emitOneof(oneof: OneofSchema): void {
    const { writer } = this;
    const slot = caseSlot(oneof);
    const names = oneof.fields.map((field) => `'${field.tsName}'`);
    writer.doc(oneof.comment ?? `Which member of the oneof \`${oneof.name}\` is set.`);
    writer.block(`get ${oneof.tsName}Case(): ${names.join(' | ')} | undefined {`, () => {
      this.emitCheckUse();
      writer.block(`switch (${slot}) {`, () => {
        for (const field of oneof.fields) writer.line(`case ${field.number}: return '${field.tsName}';`);
        writer.line('default: return undefined;');
      });
    });
    writer.line();
    writer.doc(`Unsets whatever member of the oneof \`${oneof.name}\` is set.`);
    writer.block(`clear${upper(oneof)}(): void {`, () => {
      writer.line('this.$beforeChange();');
      writer.line(`this.$clear${upper(oneof)}();`);
    });
    writer.line();
    writer.block(`private $clear${upper(oneof)}(): void {`, () => {
      writer.line(`${slot} = 0;`);
      for (const plan of this.plans) if (plan.field.oneof === oneof) this.emitResetField(plan);
    });
    writer.line();
  }

  private emitResetField(plan: FieldPlan): void {
    const { writer } = this;
    const { slot } = plan;
    if (isCollection(plan)) writer.line(`if (${slot} !== undefined) ${slot}.$empty();`);
    else if (plan.category === 'message') writer.line(`if (${slot} !== undefined) ${slot}.$unset();`);
    else writer.line(`${slot} = ${plan.initial};`);
    if (plan.hasFlag) writer.line(`${plan.has} = false;`);
  }

  private emitReset(): void {
    const { writer } = this;
    writer.block('override $reset(): void {', () => {
      for (const plan of this.plans) this.emitResetField(plan);
      for (const oneof of this.source.oneofs) writer.line(`${caseSlot(oneof)} = 0;`);
      writer.line('this.$unknown = undefined;');
    });
    writer.line();
  }

  private emitMerge(): void {
    const { writer, context } = this;
    writer.block('override $mergeFrom(bytes: Uint8Array, start: number, end: number): void {', () => {
      writer.line('let at = start;');
      writer.block('while (at < end) {', () => {
        writer.line('const fieldAt = at;');
        writer.line('let tag = bytes[at++]!;');
        writer.block('if (tag >= 0x80) {', () => {
          writer.line(`tag = ${context.runtime('readLongTag')}(bytes, fieldAt, end);`);
          writer.line(`at = ${context.runtime('wire')}.at;`);
        });
        if (this.plans.some((plan) => plan.category !== 'message')) writer.line('const valueAt = at;');
        writer.line(`at = ${context.runtime('afterUnknown')}(bytes, at, end, tag);`);
        writer.line('if (!(at <= end)) throw this.$malformed(tag, fieldAt - start);');
        writer.block('switch (tag) {', () => {
          for (const plan of this.plans) this.emitMergeCases(plan);
          writer.line('default:');
          writer.line(
            `  this.$unknown = ${context.runtime('appendBytes')}(this.$unknown, bytes.subarray(fieldAt, at));`,
          );
        });
      });
    });
    writer.line();
  }

  private emitMergeCases(plan: FieldPlan): void {
    const { writer, context } = this;
    const { oneof, number } = plan.field;
    if (plan.category === 'message') {
      writer.block(`case ${plan.tag}: { // ${plan.field.name}`, () => {
        writer.line(`const contentAt = ${context.runtime('wire')}.at;`);
        if (oneof !== undefined) this.emitSetCase(plan);
        this.emitChild(plan);
        writer.line('value.$present = true;');
        writer.line('value.$mergeFrom(bytes, contentAt, at);');
        writer.line('break;');
      });
      return;
    }
    writer.line(`case ${plan.tag}: // ${plan.field.name}`);
    if (isCollection(plan)) {
      if (plan.category === 'list' && plan.traits.wireType !== 2) writer.line(`case ${((number << 3) | 2) >>> 0}:`);
      writer.line(`  (${plan.slot} ??= ${newCollection(plan)}).$readField(bytes, valueAt, end, tag);`);
    } else {
      if (oneof !== undefined) this.emitSetCase(plan);
      writer.line(`  ${plan.slot} = ${plan.read('bytes', 'valueAt')};`);
      if (plan.hasFlag) writer.line(`  ${plan.has} = true;`);
    }
    writer.line('  break;');
  }

  private emitChildPresent(): void {
    const members = this.plans.filter((plan) => plan.category === 'message' && plan.field.oneof !== undefined);
    if (members.length === 0) return;
    const { writer } = this;
    writer.block('override $childPresent(field: number): void {', () => {
      for (const plan of members) writer.block(`if (field === ${plan.field.number}) {`, () => this.emitSetCase(plan));
    });
    writer.line();
  }

  private emitEncoding(): void {
    const { writer, context } = this;
    writer.block('override $encodeTo(target: Uint8Array, offset: number): number {', () => {
      writer.line('let at = offset;');
      emitEncode(context, this.plans, (plan) => this.isSet(plan));
      writer.line(
        `if (this.$unknown !== undefined) at = ${context.runtime('copyBytes')}(this.$unknown, 0, this.$unknown.length, target, at);`,
      );
      writer.line('return this.$checkRoom(target, offset, at);');
    });
    writer.line();
    writer.block('override $encodedSizeMax(): number {', () => {
      emitSizeMax(context, this.plans, (plan) => this.isSet(plan));
      writer.line('if (this.$unknown !== undefined) size += this.$unknown.length;');
      writer.line('return size;');
    });
  }
}

function isCollection(plan: FieldPlan): boolean {
  return plan.category === 'list' || plan.category === 'map';
}

function newCollection(plan: FieldPlan): string {
  return `new ${plan.tsType.replace(/<.*/, '')}(this, ${plan.constant})`;
}

function caseSlot(oneof: OneofSchema): string {
  return `this._${oneof.tsName}$case`;
}

function upper(oneof: OneofSchema): string {
  return oneof.tsName.charAt(0).toUpperCase() + oneof.tsName.slice(1);
}
