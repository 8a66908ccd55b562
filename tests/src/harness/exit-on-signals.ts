import process from 'node:process';

/** As a shell counts them. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * For commands that have processes of their own. A signal to the command alone, not to its group, would end it where it stands,
 * and they would go on without it; what ends them hangs on an exit of this process.
 */
export function exitOnSignals(): void {
  for (const [signal, code] of Object.entries(EXIT_CODES)) process.once(signal, () => process.exit(code));
}
