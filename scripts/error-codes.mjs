// Writes docs/errors.md, the list of all error codes, from the READMEs of the packages: each `### AEP_…` heading with
// the first paragraph below it. `--check` writes nothing and fails when the list is not current.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, 'docs', 'errors.md');
const current = render();

if (process.argv.includes('--check')) {
  const written = existsSync(target) ? readFileSync(target, 'utf8') : '';
  if (written !== current) {
    console.error('docs/errors.md is not current: run `node scripts/error-codes.mjs`.');
    process.exitCode = 1;
  }
} else {
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, current);
}

function render() {
  const lines = [
    '# Error codes',
    '',
    'Written by `scripts/error-codes.mjs` from the READMEs of the packages; the links lead to the full text.',
  ];
  for (const name of readdirSync(join(root, 'packages')).toSorted()) {
    const codes = codesOf(join(root, 'packages', name, 'README.md'));
    if (codes.length === 0) continue;
    lines.push('', `## @aep/${name}`, '');
    for (const { code, summary } of codes)
      lines.push(`- [${code}](../packages/${name}/README.md#${code.toLowerCase()}): ${summary}`);
  }
  return `${lines.join('\n')}\n`;
}

function codesOf(readme) {
  if (!existsSync(readme)) return [];
  const sections = readFileSync(readme, 'utf8').split(/^(?=#{1,6} )/m);
  return sections.flatMap((section) => {
    const match = section.match(/^### `?(AEP_[A-Z0-9_]+)`?\n+((?:.+\n?)+)/);
    return match ? [{ code: match[1], summary: match[2].trim().replaceAll('\n', ' ') }] : [];
  });
}
