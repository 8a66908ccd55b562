import { emitCheck, emitConstants, emitEncode, emitFieldTable, emitSizeMax, fieldDoc } from './emit-fields.js';
import { FieldPlan } from './field-plan.js';
import type { FileContext } from './file-context.js';
import type { MessageSchema, OneofSchema } from './schema.js';

/** Writes the view class of a message. */
export function emitView(context: FileContext, message: MessageSchema): void {
  new ViewEmitter(context, message).emit();
}

class ViewEmitter {
  private readonly plans: readonly FieldPlan[];
  private readonly name: string;

  constructor(
    private readonly context: FileContext,
    private readonly message: MessageSchema,
  ) {
    this.name = message.viewName;
    this.plans = message.fields.map((field) => new FieldPlan(field, context, 'view', this.name));
  }

  private get writer(): FileContext['writer'] {
    return this.context.writer;
  }

  emit(): void {
    const { context, message, name, writer } = this;
    emitConstants(context, this.plans);
    writer.doc(`${message.comment ?? `Message \`${message.fullName}\`.`}${this.identity()}`);
    writer.block(`export class ${name} extends ${context.message('MessageView')} {`, () => {
      this.emitType();
      this.emitStorage();
      for (const plan of this.plans) this.emitField(plan);
      for (const oneof of message.oneofs) this.emitOneof(oneof);
      this.emitScan();
      this.emitClear();
      this.emitMaterialize();
      this.emitTellChildren();
      this.emitEncoding();
    });
    writer.line();
    emitFieldTable(context, name, this.plans);
    writer.line();
  }

  private identity(): string {
    const { typeId, file, fullName } = this.message;
    return typeId === 0 ? '' : `\n\nOn the bus: factory ${file.factoryId}, type ${typeId} (\`${fullName}\`).`;
  }

  private emitType(): void {
    const { context, message, name, writer } = this;
    const type = context.messageType('MessageType');
    writer.block(
      `static readonly $type: ${type}<${name}> = new ${context.runtime('ViewType')}<${name}>({`,
      () => {
        writer.line(`fullName: '${message.fullName}',`);
        writer.line(`factoryId: ${message.file.factoryId},`);
        writer.line(`typeId: ${message.typeId},`);
        writer.line(`make: () => new ${name}(),`);
        writer.line(`fields: () => ${name}$fields,`);
      },
      '});',
    );
    writer.line();
    this.emitStatic(`create(): ${name}`, 'create()', 'An empty, mutable message from the pool.');
    this.emitStatic(`wrap(bytes: Uint8Array, start = 0, end = bytes.length): ${name}`, 'wrap(bytes, start, end)', 'An immutable, lazy view over bytes, which must not change until it is disposed.');
    this.emitStatic(`fromBytes(bytes: Uint8Array): ${name}`, 'fromBytes(bytes)', 'A mutable message with a copy of the content.');
    this.emitStatic(`fromJSON(json: unknown): ${name}`, 'fromJSON(json)', 'A mutable message from ProtoJSON.');
    writer.block(`override get $type(): ${type}<${name}> {`, () => writer.line(`return ${name}.$type;`));
    writer.line();
  }

  private emitStatic(signature: string, call: string, doc: string): void {
    this.writer.doc(doc);
    this.writer.block(`static ${signature} {`, () => this.writer.line(`return ${this.name}.$type.${call};`));
    this.writer.line();
  }

  private emitStorage(): void {
    const { writer } = this;
    for (const plan of this.plans) {
      const slot = plan.slot.slice('this.'.length);
      const { category } = plan;
      if (category === 'varint') writer.line(`private ${slot}: ${plan.tsType} = ${plan.initial};`);
      else if (category === 'fixed') writer.line(`private ${slot}: ${plan.tsType} = ${plan.initial};`);
      else if (category === 'text') writer.line(`private ${slot}: ${plan.tsType} | undefined = ${plan.initial};`);
      else writer.line(`private ${slot}: ${plan.tsType} | undefined = undefined;`);
      if (category !== 'varint') writer.line(`private ${slot}$at = 0;`);
      if (isRange(plan)) writer.line(`private ${slot}$end = 0;`);
      if (plan.hasFlag) writer.line(`private ${slot}$has = false;`);
    }
    for (const oneof of this.message.oneofs) writer.line(`private ${caseSlot(oneof).slice('this.'.length)} = 0;`);
    writer.line();
  }

  private emitField(plan: FieldPlan): void {
    const { writer } = this;
    writer.doc(fieldDoc(plan));
    writer.block(`get ${plan.name}(): ${plan.tsType} {`, () => {
      this.emitOpen();
      this.emitRead(plan);
    });
    writer.line();
    if (isCollection(plan)) return;
    writer.block(`set ${plan.name}(value: ${plan.tsType}) {`, () => this.emitWrite(plan));
    writer.line();
    if (plan.field.presence) this.emitPresence(plan);
  }

  private emitOpen(): void {
    this.writer.line(`if (this.$state < ${this.context.runtime('READABLE')}) this.$open();`);
  }

  private emitGuard(): void {
    this.writer.line(`if (this.$state !== ${this.context.runtime('MUTABLE')}) this.$beforeChange();`);
  }

  private emitRead(plan: FieldPlan): void {
    const { writer } = this;
    const { slot, at, field } = plan;
    if (isCollection(plan)) return this.emitReadCollection(plan);
    if (plan.category === 'message') return this.emitReadMessage(plan);
    if (field.oneof !== undefined) writer.line(`if (${caseSlot(field.oneof)} !== ${field.number}) return ${plan.initial};`);
    if (plan.category === 'text') writer.line(`if (${slot} === undefined) ${slot} = ${plan.read('this.$bytes', at)};`);
    if (plan.category === 'fixed') {
      writer.block(`if (${at} !== 0) {`, () => {
        writer.line(`${slot} = ${plan.read('this.$bytes', at)};`);
        writer.line(`${at} = 0;`);
      });
    }
    writer.line(`return ${slot};`);
  }

  private emitReadCollection(plan: FieldPlan): void {
    const { writer } = this;
    const collection = plan.tsType.replace(/<.*/, '');
    writer.line(`const value = (${plan.slot} ??= new ${collection}(this, ${plan.constant}));`);
    writer.block(`if (${plan.at} !== 0) {`, () => {
      writer.line(`value.$readAll(this.$bytes, ${plan.at}, ${plan.end});`);
      writer.line(`${plan.at} = 0;`);
    });
    writer.line('return value;');
  }

  private emitReadMessage(plan: FieldPlan): void {
    const { writer, context } = this;
    const { number, oneof } = plan.field;
    const isSet = oneof === undefined ? '' : `${caseSlot(oneof)} === ${number}`;
    const start = isSet === '' ? plan.at : `${isSet} ? ${plan.at} : 0`;
    const end = isSet === '' ? plan.end : `${isSet} ? ${plan.end} : 0`;
    writer.line(`const value = (${plan.slot} ??= new ${plan.elementType}());`);
    writer.line(`if (value.$state === ${context.runtime('DISPOSED')}) value.$embed(this, ${number}, ${start}, ${end});`);
    writer.line('return value;');
  }

  private emitWrite(plan: FieldPlan): void {
    const { writer } = this;
    const { slot, field } = plan;
    if (plan.category === 'message') {
      this.emitGuard();
      if (field.oneof !== undefined) this.emitSetCase(plan);
      writer.line(`this.${plan.name}.$assign(value);`);
      return;
    }
    this.emitGuard();
    emitCheck(plan);
    if (field.oneof !== undefined) this.emitSetCase(plan);
    writer.line(`${slot} = ${field.kind === 'float' ? 'Math.fround(value)' : 'value'};`);
    if (plan.hasFlag) writer.line(`${plan.has} = true;`);
  }

  private emitSetCase(plan: FieldPlan): void {
    const { writer } = this;
    const oneof = plan.field.oneof!;
    writer.block(`if (${caseSlot(oneof)} !== ${plan.field.number}) {`, () => {
      writer.line(`this.clear${upper(oneof)}();`);
      writer.line(`${caseSlot(oneof)} = ${plan.field.number};`);
    });
  }

  private emitPresence(plan: FieldPlan): void {
    const { writer } = this;
    writer.doc(`Whether \`${plan.field.name}\` is set.`);
    writer.block(`has${plan.upperName}(): boolean {`, () => {
      this.emitOpen();
      writer.line(`return ${this.isSet(plan)};`);
    });
    writer.line();
    writer.doc(`Unsets \`${plan.field.name}\`.`);
    writer.block(`clear${plan.upperName}(): void {`, () => {
      this.emitGuard();
      const { oneof } = plan.field;
      if (oneof !== undefined) writer.line(`if (${caseSlot(oneof)} === ${plan.field.number}) this.clear${upper(oneof)}();`);
      else this.emitReset(plan);
    });
    writer.line();
  }

  /** Condition of presence, whatever the state of the message is. */
  private isSet(plan: FieldPlan): string {
    const { oneof, number } = plan.field;
    if (oneof !== undefined) return `${caseSlot(oneof)} === ${number}`;
    if (plan.category === 'message') return `${plan.at} !== 0 || ${this.context.runtime('isPresent')}(${plan.slot})`;
    return plan.has;
  }

  private emitOneof(oneof: OneofSchema): void {
    const { writer } = this;
    const slot = caseSlot(oneof);
    const names = oneof.fields.map((field) => `'${field.tsName}'`);
    writer.doc(oneof.comment ?? `Which member of the oneof \`${oneof.name}\` is set.`);
    writer.block(`get ${oneof.tsName}Case(): ${names.join(' | ')} | undefined {`, () => {
      this.emitOpen();
      writer.block(`switch (${slot}) {`, () => {
        for (const field of oneof.fields) writer.line(`case ${field.number}: return '${field.tsName}';`);
        writer.line('default: return undefined;');
      });
    });
    writer.line();
    writer.doc(`Unsets whatever member of the oneof \`${oneof.name}\` is set.`);
    writer.block(`clear${upper(oneof)}(): void {`, () => {
      this.emitGuard();
      writer.line(`${slot} = 0;`);
      for (const plan of this.plans) if (plan.field.oneof === oneof) this.emitReset(plan);
    });
    writer.line();
  }

  private emitReset(plan: FieldPlan): void {
    const { writer } = this;
    const { slot, category } = plan;
    if (isCollection(plan)) writer.line(`if (${slot} !== undefined) ${slot}.$empty();`);
    else if (category === 'message') writer.line(`if (${slot} !== undefined) ${slot}.$dropEmbedded();`);
    else writer.line(`${slot} = ${plan.initial};`);
    if (category !== 'varint' && category !== 'text') writer.line(`${plan.at} = 0;`);
    if (plan.hasFlag) writer.line(`${plan.has} = false;`);
  }

  private emitScan(): void {
    const { writer, context } = this;
    writer.block('override $scan(): void {', () => {
      writer.line('this.$clear();');
      writer.line('const bytes = this.$bytes;');
      writer.line('const end = this.$end;');
      writer.line('let at = this.$start;');
      writer.block('while (at < end) {', () => {
        writer.line('const start = at;');
        writer.line('let tag = bytes[at++]!;');
        writer.block('if (tag >= 0x80) {', () => {
          writer.line(`tag = ${context.runtime('readLongTag')}(bytes, start, end);`);
          writer.line(`at = ${context.runtime('wire')}.at;`);
        });
        writer.block('switch (tag) {', () => {
          for (const plan of this.plans) this.emitScanCases(plan);
          writer.block('default: {', () => {
            writer.line(`at = ${context.runtime('afterUnknown')}(bytes, at, end, tag);`);
            writer.line('(this.$unknown ??= []).push(start, at);');
          });
        });
        writer.line('if (!(at <= end)) throw this.$malformed(tag, start);');
      });
    });
    writer.line();
  }

  private emitScanCases(plan: FieldPlan): void {
    const { writer } = this;
    const { number } = plan.field;
    writer.line(`case ${plan.tag}: // ${plan.field.name}`);
    const isPackable = plan.category === 'list' && plan.traits.wireType !== 2;
    if (isCollection(plan)) {
      if (isPackable) writer.line(`case ${((number << 3) | 2) >>> 0}:`);
      writer.line(`  if (${plan.at} === 0) ${plan.at} = start;`);
      // Packed or not shows in the tag.
      writer.line(`  at = ${isPackable ? `${this.context.runtime('afterUnknown')}(bytes, at, end, tag)` : this.afterValue(2)};`);
      writer.line(`  ${plan.end} = at;`);
    } else {
      this.emitScanSingle(plan);
    }
    writer.line('  break;');
  }

  private emitScanSingle(plan: FieldPlan): void {
    const { writer, context } = this;
    const { slot, at, category, field } = plan;
    if (category === 'varint') {
      const quick = field.kind === 'bool' ? 'bytes[at] !== 0' : field.kind === 'sint32' ? '(bytes[at]! >>> 1) ^ -(bytes[at]! & 1)' : 'bytes[at]!';
      writer.block('  if (bytes[at]! < 0x80) {', () => {
        writer.line(`  ${slot} = ${quick};`);
        writer.line('  at++;');
      }, '  } else {');
      writer.line(`    ${slot} = ${plan.read('bytes', 'at')};`);
      writer.line(`    at = ${context.runtime('afterVarint')}(bytes, at, end);`);
      writer.line('  }');
    } else if (category === 'message') {
      const isSecond = field.oneof === undefined ? `${at} !== 0` : `${caseSlot(field.oneof)} === ${field.number}`;
      writer.line(`  if (${isSecond}) return this.$rescanMerged();`);
      // The content starts behind the length, which afterBytes leaves in wire.at.
      writer.line(`  ${plan.end} = ${context.runtime('afterBytes')}(bytes, at, end);`);
      writer.line(`  ${at} = ${context.runtime('wire')}.at;`);
      writer.line(`  at = ${plan.end};`);
    } else {
      if (category === 'text') writer.line(`  ${slot} = undefined;`);
      writer.line(`  ${at} = at;`);
      writer.line(`  at = ${this.afterValue(plan.traits.wireType)};`);
    }
    if (plan.hasFlag) writer.line(`  ${plan.has} = true;`);
    if (field.oneof !== undefined) writer.line(`  ${caseSlot(field.oneof)} = ${field.number};`);
  }

  /** The end of a value at `at`. */
  private afterValue(wireType: number): string {
    const { context } = this;
    if (wireType === 1) return 'at + 8';
    if (wireType === 5) return 'at + 4';
    if (wireType === 0) return `bytes[at]! < 0x80 ? at + 1 : ${context.runtime('afterVarint')}(bytes, at, end)`;
    return `bytes[at]! < 0x80 ? at + 1 + bytes[at]! : ${context.runtime('afterBytes')}(bytes, at, end)`;
  }

  private emitClear(): void {
    const { writer } = this;
    writer.block('override $clear(): void {', () => {
      for (const plan of this.plans) this.emitReset(plan);
      for (const oneof of this.message.oneofs) writer.line(`${caseSlot(oneof)} = 0;`);
      writer.line('this.$unknown = undefined;');
    });
    writer.line();
  }

  private emitMaterialize(): void {
    const { writer } = this;
    writer.block('override $materialize(): void {', () => {
      for (const plan of this.plans) if (plan.category !== 'varint') this.emitMaterializeField(plan);
    });
    writer.line();
  }

  private emitMaterializeField(plan: FieldPlan): void {
    const { oneof, number } = plan.field;
    const condition = plan.category === 'text' ? `${plan.slot} === undefined` : `${plan.at} !== 0`;
    const isSet = oneof === undefined ? '' : ` && ${caseSlot(oneof)} === ${number}`;
    this.writer.line(`if (${condition}${isSet}) void this.${plan.name};`);
    // What an overtaken member of a oneof left behind must not look like a value.
    if (oneof !== undefined && plan.category === 'text') this.writer.line(`${plan.slot} ??= ${plan.initial};`);
  }

  private emitTellChildren(): void {
    const children = this.plans.filter((plan) => plan.field.messageType !== undefined);
    if (children.length === 0) return;
    const { writer, context } = this;
    const fate = context.runtimeType('Fate');
    writer.block(`override $tellChildren(fate: ${fate}): void {`, () => {
      for (const plan of children) writer.line(`if (${plan.slot} !== undefined) ${plan.slot}.$follow(fate);`);
    });
    writer.line();
    const members = children.filter((plan) => plan.field.oneof !== undefined);
    if (members.length === 0) return;
    writer.block('override $childPresent(field: number): void {', () => {
      for (const plan of members) writer.block(`if (field === ${plan.field.number}) {`, () => this.emitSetCase(plan));
    });
    writer.line();
  }

  private emitEncoding(): void {
    const { writer, context } = this;
    const isSet = (plan: FieldPlan): string => {
      const { oneof, number, presence } = plan.field;
      if (oneof !== undefined) return `${caseSlot(oneof)} === ${number}`;
      if (plan.category === 'message') return `${context.runtime('isPresent')}(${plan.slot})`;
      return presence ? plan.has : plan.differs(plan.category === 'text' ? `${plan.slot}!` : plan.slot);
    };
    const sized = (plan: FieldPlan): string => {
      // A member of a oneof that is set but was never touched has no object yet.
      return plan.category === 'message' ? `${context.runtime('isPresent')}(${plan.slot})` : isSet(plan);
    };
    writer.block('override $encodeFields(target: Uint8Array, offset: number): number {', () => {
      writer.line('let at = offset;');
      emitEncode(context, this.plans, (plan) => (plan.category === 'message' ? sized(plan) : isSet(plan)));
      writer.line(`if (this.$unknown !== undefined) at = ${context.runtime('copyRanges')}(this.$bytes, this.$unknown, target, at);`);
      writer.line('return at;');
    });
    writer.line();
    writer.block('override $fieldsSizeMax(): number {', () => {
      emitSizeMax(context, this.plans, sized);
      writer.line('if (this.$unknown !== undefined) size += this.$bytes.length;');
      writer.line('return size;');
    });
  }
}

function isCollection(plan: FieldPlan): boolean {
  return plan.category === 'list' || plan.category === 'map';
}

function isRange(plan: FieldPlan): boolean {
  return isCollection(plan) || plan.category === 'message';
}

function caseSlot(oneof: OneofSchema): string {
  return `this._${oneof.tsName}$case`;
}

function upper(oneof: OneofSchema): string {
  return oneof.tsName.charAt(0).toUpperCase() + oneof.tsName.slice(1);
}
