import type { FieldKind } from '@aep/messages';
import type { Place } from './locate.js';

/** One source file of the schema. */
export interface SourceFile {
  /** Path as other files import it, such as `shop/orders.proto`. */
  readonly path: string;
  readonly text: string;
}

/** A parsed file. Objects of the schema are filled while files are linked, and not changed afterwards. */
export interface FileSchema {
  readonly path: string;
  readonly packageName: string;
  /** `proto3`, or an edition such as `2023`. */
  readonly syntax: string;
  readonly imports: readonly string[];
  readonly factoryId: number;
  readonly factoryName: string;
  /** All messages of the file, nested ones after the message that they are in. */
  readonly messages: MessageSchema[];
  readonly enums: EnumSchema[];
  /** Of google/protobuf/…: its classes come from @aep/messages. */
  readonly wellKnown: boolean;
}

export interface MessageSchema {
  readonly file: FileSchema;
  /** With the names of the messages around it: `Outer.Inner`. */
  readonly name: string;
  readonly fullName: string;
  readonly comment: string | undefined;
  readonly place: Place;
  readonly fields: FieldSchema[];
  readonly oneofs: OneofSchema[];
  /** 0: none. */
  readonly typeId: number;
  readonly isStateRoot: boolean;
  readonly isMarkedEntity: boolean;
  readonly reservedNumbers: readonly (readonly [number, number])[];
  readonly reservedNames: readonly string[];
  /** Names of the generated classes; empty when that class is not generated. */
  viewName: string;
  entityName: string;
}

export interface OneofSchema {
  readonly name: string;
  readonly comment: string | undefined;
  readonly fields: FieldSchema[];
  /** Property that tells which member is set. */
  tsName: string;
}

export interface FieldSchema {
  readonly message: MessageSchema;
  readonly name: string;
  readonly jsonName: string;
  readonly number: number;
  readonly comment: string | undefined;
  readonly place: Place;
  readonly repeated: boolean;
  readonly packed: boolean;
  /** `has` and `clear` exist: optional, member of a oneof, embedded message. */
  readonly presence: boolean;
  readonly oneof: OneofSchema | undefined;
  readonly int64AsNumber: boolean;
  readonly deprecated: boolean;
  readonly isMap: boolean;
  readonly mapKey: FieldKind | undefined;
  /** Scalar type or type name as written; of a map, that of the values. */
  readonly typeName: string;
  /** Kind of the value, of the elements, or of the map's values. */
  kind: FieldKind;
  messageType: MessageSchema | undefined;
  enumType: EnumSchema | undefined;
  tsName: string;
}

export interface EnumSchema {
  readonly file: FileSchema;
  readonly name: string;
  readonly fullName: string;
  readonly comment: string | undefined;
  readonly place: Place;
  readonly values: readonly EnumValueSchema[];
  tsName: string;
}

export interface EnumValueSchema {
  readonly name: string;
  readonly number: number;
  readonly comment: string | undefined;
  readonly tsName: string;
}

/** All files of one generation, linked. */
export interface Schema {
  readonly files: readonly FileSchema[];
  readonly messages: ReadonlyMap<string, MessageSchema>;
}
