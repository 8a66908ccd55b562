import { AepError } from '@aep/kernel';

/** What a script can tell from `$?`. */
export const ExitCode = {
  ok: 0,
  /** The command worked, and what it checked is not in order. */
  problemsFound: 1,
  /** The command line is wrong; nothing was done. */
  usage: 2,
  /** A model, .proto file, message or number that was given cannot be used. */
  inputInvalid: 3,
  /** A file, store, module or running xvm cannot be opened or reached. */
  unreachable: 4,
  /** It began and failed. */
  failed: 5,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Codes whose exit code does not follow from their advice. */
const BY_CODE: Readonly<Record<string, ExitCode>> = {
  AEP_CLI_USAGE: ExitCode.usage,
  AEP_CLI_FILE: ExitCode.unreachable,
  AEP_CLI_MODULE: ExitCode.unreachable,
  AEP_CLI_ADMIN_UNREACHABLE: ExitCode.unreachable,
  AEP_CLI_ADMIN_REFUSED: ExitCode.unreachable,
  AEP_STORE_MISSING: ExitCode.unreachable,
  AEP_STORE_OPEN_FAILED: ExitCode.unreachable,
  AEP_STORE_FORMAT: ExitCode.unreachable,
  AEP_STORE_LOCKED: ExitCode.unreachable,
  AEP_STORE_DAMAGED: ExitCode.unreachable,
  AEP_RECORD_VERSION: ExitCode.unreachable,
};

/** An input that was refused is 3, everything else that went wrong is 5, unless the table says otherwise. */
export function exitCodeOf(error: AepError): ExitCode {
  return BY_CODE[error.code] ?? (error.advice === 'reject' ? ExitCode.inputInvalid : ExitCode.failed);
}
