import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPackages, readSources, workspaceFolders } from './repository.js';

const packages = readPackages();
const readmes = new Map(packages.map((one) => [one.name, headings(one.readme ?? '')]));

test("every error code in a package's source has a heading in its README or in that of a package below it", () => {
  const undocumented = packages.flatMap((one) => {
    const known = new Set([one.name, ...packagesBelow(one.name)].flatMap((name) => readmes.get(name) ?? []));
    const used = new Set(one.sources.flatMap((file) => codesIn(file.uncommented)));
    return [...used].filter((code) => !known.has(code)).map((code) => `packages/${one.name}/README.md: ### ${code}`);
  });
  assert.equal(undocumented.length, 0, `write these headings below "## Error codes":\n${undocumented.join('\n')}`);
});

test("every error code of a README is one that its package's source uses", () => {
  const stale = packages.flatMap((one) => {
    const used = new Set(one.sources.flatMap((file) => codesIn(file.uncommented)));
    return (readmes.get(one.name) ?? [])
      .filter((code) => !used.has(code))
      .map((code) => `packages/${one.name}/README.md: ${code}`);
  });
  assert.deepEqual(
    stale,
    [],
    `remove these headings, or move them to the package that throws them:\n${stale.join('\n')}`,
  );
});

test('every error code is provoked by a test', () => {
  const tests = [
    ...packages.flatMap((one) => one.tests),
    // A contract suite is test code that is shipped.
    ...packages.flatMap((one) => one.sources.filter((file) => file.path.includes('/src/contract/'))),
    ...readSources('tests'),
    ...workspaceFolders('examples').flatMap((folder) => readSources(`${folder}/test`)),
  ];
  const provoked = new Set(tests.flatMap((file) => codesIn(file.uncommented)));
  const untested = packages.flatMap((one) =>
    (readmes.get(one.name) ?? []).filter((code) => !provoked.has(code)).map((code) => `${one.name}: ${code}`),
  );
  assert.equal(untested.length, 0, `write a test that provokes:\n${untested.join('\n')}`);
});

function codesIn(text: string): string[] {
  return [...text.matchAll(/['"`](AEP_[A-Z0-9_]+)['"`]/g)].map((match) => match[1] ?? '');
}

function headings(readme: string): string[] {
  return [...readme.matchAll(/^### `?(AEP_[A-Z0-9_]+)`?$/gm)].map((match) => match[1] ?? '');
}

function packagesBelow(name: string): string[] {
  const below = new Set<string>();
  const visit = (one: string): void => {
    for (const dependency of packages.find((other) => other.name === one)?.dependencies ?? []) {
      const sibling = dependency.startsWith('@aep/') ? dependency.slice('@aep/'.length) : undefined;
      if (sibling === undefined || below.has(sibling)) continue;
      below.add(sibling);
      visit(sibling);
    }
  };
  visit(name);
  return [...below];
}
