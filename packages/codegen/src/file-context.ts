import { nameOfClass } from './mark-classes.js';
import type { EnumSchema, FileSchema, MessageSchema } from './schema.js';
import type { SourceWriter } from './source-writer.js';

/** Where generated code finds the packages of the runtime; the well-known types live inside one of them. */
export interface Modules {
  readonly messages: string;
  readonly runtime: string;
  readonly state: string;
  /** Module of the well-known types; `undefined` while they themselves are generated. */
  readonly wellKnown: string | undefined;
}

/** Whether view or entity classes are being written. */
export type Flavor = 'view' | 'entity';

/** One generated file while it is written. */
export class FileContext {
  constructor(
    readonly file: FileSchema,
    readonly writer: SourceWriter,
    readonly modules: Modules,
  ) {}

  /** Something of @aep/messages. */
  message(name: string): string {
    return this.writer.use(this.modules.messages, name);
  }

  messageType(name: string): string {
    return this.writer.useType(this.modules.messages, name);
  }

  /** Something of @aep/messages/runtime. */
  runtime(name: string): string {
    return this.writer.use(this.modules.runtime, name);
  }

  runtimeType(name: string): string {
    return this.writer.useType(this.modules.runtime, name);
  }

  /** The class of a message, imported when it is of another file. */
  classOf(message: MessageSchema, flavor: Flavor): string {
    const name = nameOfClass(message, flavor === 'entity');
    return message.file === this.file ? name : this.writer.use(this.moduleOf(message.file), name);
  }

  enumOf(declared: EnumSchema): string {
    return declared.file === this.file
      ? declared.tsName
      : this.writer.use(this.moduleOf(declared.file), declared.tsName);
  }

  enumNamesOf(declared: EnumSchema): string {
    const name = enumNamesConstant(declared);
    return declared.file === this.file ? name : this.writer.use(this.moduleOf(declared.file), name);
  }

  private moduleOf(file: FileSchema): string {
    if (file.wellKnown && this.modules.wellKnown !== undefined) return this.modules.wellKnown;
    return relativeModule(this.file.path, file.path);
  }
}

export function enumNamesConstant(declared: EnumSchema): string {
  return `${declared.tsName}$names`;
}

/** Path of the generated file. */
export function outputPath(protoPath: string): string {
  return `${protoPath.replace(/\.proto$/, '')}.ts`;
}

function relativeModule(fromPath: string, toPath: string): string {
  const from = fromPath.split('/').slice(0, -1);
  const to = toPath.replace(/\.proto$/, '').split('/');
  let common = 0;
  while (common < from.length && common < to.length - 1 && from[common] === to[common]) common++;
  const up = from.slice(common).map(() => '..');
  const steps = [...(up.length === 0 ? ['.'] : up), ...to.slice(common)];
  return `${steps.join('/')}.js`;
}
