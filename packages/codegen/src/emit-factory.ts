import type { FileContext } from './file-context.js';

/** Writes the factory of a file: its messages that can be sent. */
export function emitFactory(context: FileContext): void {
  const { file, writer } = context;
  if (file.factoryId === 0) return;
  const types = file.messages.filter((message) => message.typeId !== 0).sort((a, b) => a.typeId - b.typeId);
  writer.doc(`Messages of ${file.path} that can be sent: factory ${file.factoryId}.`);
  writer.block(
    `export const ${file.factoryName}: ${context.messageType('MessageFactory')} = {`,
    () => {
      writer.line(`name: '${file.factoryName}',`);
      writer.line(`id: ${file.factoryId},`);
      writer.line(`source: '${file.path}',`);
      writer.line(`types: [${types.map((message) => `${message.viewName}.$type`).join(', ')}],`);
    },
    '};',
  );
  writer.line();
}
