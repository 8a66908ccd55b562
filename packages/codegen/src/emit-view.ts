import { emitConstants, emitEncode, emitFieldTable, emitSizeMax, fieldDoc } from './emit-fields.js';
import { emitLifecycle } from './emit-view-lifecycle.js';
import { emitClear, emitReset } from './emit-view-reset.js';
import { emitScan } from './emit-view-scan.js';
import { FieldPlan } from './field-plan.js';
import {
  caseSlot,
  isCollection,
  isDecodedEachTime,
  isRange,
  isScalar,
  pending,
  state,
  upperOneof as upper,
} from './view-slots.js';
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
    this.emitTypeConstant();
    writer.doc(`${message.comment ?? `Message \`${message.fullName}\`.`}${this.identity()}`);
    writer.block(`export class ${name} extends ${context.message('MessageView')} {`, () => {
      this.emitType();
      this.emitStorage();
      const hasChildren = this.plans.some((plan) => plan.field.messageType !== undefined);
      emitLifecycle(context, name, hasChildren);
      for (const plan of this.plans) this.emitField(plan);
      for (const oneof of message.oneofs) this.emitOneof(oneof);
      emitScan(context, this.plans, message.oneofs);
      writer.block('override $clear(): void {', () => emitClear(context, this.plans, message.oneofs));
      writer.line();
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

  private emitTypeConstant(): void {
    const { context, message, name, writer } = this;
    writer.block(
      `const ${name}$type = new ${context.runtime('ViewType')}<${name}>({`,
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
  }

  private emitType(): void {
    const { context, name, writer } = this;
    const type = context.messageType('MessageType');
    writer.line(`static readonly $type: ${type}<${name}> = ${name}$type;`);
    writer.line();
    this.emitStatic(`create(): ${name}`, 'create()', 'An empty, mutable message from the pool.');
    this.emitStatic(
      `wrap(bytes: Uint8Array, start = 0, end = bytes.length): ${name}`,
      'wrap(bytes, start, end)',
      'An immutable, lazy view over bytes, which must not change until it is disposed.',
    );
    this.emitStatic(
      `fromBytes(bytes: Uint8Array): ${name}`,
      'fromBytes(bytes)',
      'A mutable message with a copy of the content.',
    );
    this.emitStatic(`fromJSON(json: unknown): ${name}`, 'fromJSON(json)', 'A mutable message from ProtoJSON.');
    writer.block(`override get $type(): ${type}<${name}> {`, () => writer.line(`return ${name}$type;`));
    writer.line();
  }

  private emitStatic(signature: string, call: string, doc: string): void {
    this.writer.doc(doc);
    this.writer.block(`static ${signature} {`, () => this.writer.line(`return ${this.name}$type.${call};`));
    this.writer.line();
  }

  private emitStorage(): void {
    const { writer } = this;
    for (const plan of this.plans) {
      const slot = plan.slot.slice('this.'.length);
      if (isScalar(plan)) writer.line(`private ${slot}: ${plan.tsType} = ${plan.initial};`);
      else writer.line(`private ${slot}: ${plan.tsType} | undefined = undefined;`);
      writer.line(`private ${slot}$at = 0;`);
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
    this.writer.line(`if (this.$state < ${state('READABLE')}) this.$open();`);
  }

  private emitGuard(): void {
    this.writer.line(`if (this.$state !== ${state('MUTABLE')}) this.$beforeChange();`);
  }

  private emitRead(plan: FieldPlan): void {
    const { writer } = this;
    const { slot, at, field } = plan;
    if (isCollection(plan)) return this.emitReadCollection(plan);
    if (plan.category === 'message') return this.emitReadMessage(plan);
    if (field.oneof !== undefined)
      writer.line(`if (${caseSlot(field.oneof)} !== ${field.number}) return ${plan.initial};`);
    const read = plan.read('this.$bytes', at);
    if (isDecodedEachTime(plan)) return writer.line(`return ${at} === 0 ? ${slot} : ${read};`);
    writer.block(`if (${at} !== 0) {`, () => {
      writer.line(`${slot} = ${read};`);
      writer.line(`${at} = 0;`);
    });
    writer.line(`return ${slot};`);
  }

  private emitReadCollection(plan: FieldPlan): void {
    const { writer } = this;
    const collection = plan.tsType.replace(/<.*/, '');
    writer.line(`const value = (${plan.slot} ??= new ${collection}(this, ${plan.constant}));`);
    writer.block(`if (${plan.end} !== 0) {`, () => {
      writer.line(`value.$readAll(this.$bytes, ${plan.at}, ${plan.end});`);
      writer.line(`${plan.end} = 0;`);
    });
    writer.line('return value;');
  }

  private emitReadMessage(plan: FieldPlan): void {
    const { writer } = this;
    const { number, oneof } = plan.field;
    const isSet = oneof === undefined ? '' : `${caseSlot(oneof)} === ${number}`;
    const start = isSet === '' ? plan.at : `${isSet} ? ${plan.at} : 0`;
    const end = isSet === '' ? plan.end : `${isSet} ? ${plan.end} : 0`;
    writer.line(`const value = (${plan.slot} ??= new ${plan.elementType}());`);
    writer.line(`if (value.$state === ${state('DISPOSED')}) value.$embed(this, ${number}, ${start}, ${end});`);
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
    // One call for both, and its field by number: twelve setters have to fit where V8 inlines them, or each boxes its double.
    const isUnusual = `this.$state !== ${state('MUTABLE')} || ${plan.traits.isWrong}`;
    writer.line(`if (${isUnusual}) this.$beforeSet(${field.number}, value);`);
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
      if (oneof !== undefined)
        writer.line(`if (${caseSlot(oneof)} === ${plan.field.number}) this.clear${upper(oneof)}();`);
      else emitReset(this.context, plan);
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
      for (const plan of this.plans) if (plan.field.oneof === oneof) emitReset(this.context, plan);
    });
    writer.line();
  }

  private emitMaterialize(): void {
    const { writer } = this;
    writer.block('override $materialize(): void {', () => {
      for (const plan of this.plans) this.emitMaterializeField(plan);
    });
    writer.line();
  }

  private emitMaterializeField(plan: FieldPlan): void {
    const { oneof, number } = plan.field;
    const isSet = oneof === undefined ? '' : ` && ${caseSlot(oneof)} === ${number}`;
    const { writer } = this;
    const condition = `${pending(plan)} !== 0${isSet}`;
    if (!isDecodedEachTime(plan)) return writer.line(`if (${condition}) void this.${plan.name};`);
    writer.block(`if (${condition}) {`, () => {
      writer.line(`${plan.slot} = this.${plan.name};`);
      writer.line(`${plan.at} = 0;`);
    });
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
      return presence ? plan.has : plan.differs(plan.slot);
    };
    const sized = (plan: FieldPlan): string => {
      // A member of a oneof that is set but was never touched has no object yet.
      return plan.category === 'message' ? `${context.runtime('isPresent')}(${plan.slot})` : isSet(plan);
    };
    writer.block('override $encodeFields(target: Uint8Array, offset: number): number {', () => {
      writer.line('let at = offset;');
      emitEncode(context, this.plans, (plan) => (plan.category === 'message' ? sized(plan) : isSet(plan)));
      writer.line(
        `if (this.$unknown !== undefined) at = ${context.runtime('copyRanges')}(this.$bytes, this.$unknown, target, at);`,
      );
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
