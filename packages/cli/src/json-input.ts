import { AepError, toError } from '@aep/kernel';
import type { CliIo } from './cli-io.js';

/** JSON that a person typed. @throws AEP_CLI_JSON */
export function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new AepError('AEP_CLI_JSON', 'reject', `${where} is no JSON: ${toError(thrown).message}`, { where }, thrown);
  }
}

/** JSON from a file, or from the standard input for `-`. @throws AEP_CLI_FILE, AEP_CLI_JSON */
export async function readJsonFile(io: CliIo, path: string): Promise<unknown> {
  const text = path === '-' ? await io.readStdin() : io.files.readText(path);
  return parseJson(text, path === '-' ? 'the standard input' : path);
}
