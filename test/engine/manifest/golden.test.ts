import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { lintDocument, renderDiagnostics } from '../../../src/cli/render/diagnostic.ts';
import { loadManifest } from '../../../src/engine/manifest/load.ts';
import { compareDiagnostics } from '../../../src/engine/model/diagnostic.ts';
import { RULES } from '../../../src/engine/model/rules.ts';

// Golden files are written only when asked for: VXLAB_GOLDEN=1 npx vitest run test/engine/manifest/golden.test.ts
const UPDATE = process.env['VXLAB_GOLDEN'] === '1';
const MANIFESTS = 'fixtures/manifests';
const BAD = `${MANIFESTS}/bad`;

function lint(path: string): { readonly text: string; readonly json: string } {
  const source = readFileSync(path, 'utf8');
  const file = path.slice(path.lastIndexOf('/') + 1);
  const { diagnostics } = loadManifest(source, { stack: 'mystack1' });
  return {
    text: renderDiagnostics(file, source, diagnostics),
    json: `${JSON.stringify(lintDocument(file, diagnostics), null, 2)}\n`,
  };
}

function golden(path: string, now: string): void {
  if (UPDATE) writeFileSync(path, now);
  expect(existsSync(path), `${path} is missing; see the top of this test`).toBe(true);
  expect(now).toBe(readFileSync(path, 'utf8'));
}

describe("the lecture's file exactly as noted", () => {
  const { text, json } = lint(`${MANIFESTS}/lecture-as-noted.yml`);

  test('the text is the golden one', () => golden('fixtures/golden/lecture-as-noted.lint.txt', text));
  test('the JSON is the golden one', () => golden('fixtures/golden/lecture-as-noted.lint.json', json));

  test.each([
    ['drier', '31:5', 'did you mean "driver"?'],
    ['spam', '32:5', 'did you mean "ipam"?'],
    ['sunset', '47:11', 'did you mean "subnet"?'],
    ['Networks', '29:1', 'did you mean "networks"?'],
    ['Services', '2:1', 'did you mean "services"?'],
    ['Version', '1:1', 'did you mean "version"?'],
  ])('%s at %s is an unknown key with a suggestion', (key, place, hint) => {
    const { diagnostics } = JSON.parse(json);
    const [line, column] = place.split(':').map(Number);
    expect(diagnostics).toContainEqual(
      expect.objectContaining({
        rule: 'OV1101',
        severity: 'error',
        at: { line, column },
        message: expect.stringContaining(`"${key}"`),
        hint,
      }),
    );
  });

  test('every slip of its lines is found in one pass', () => {
    const { diagnostics } = JSON.parse(json) as { diagnostics: { at: { line: number } }[] };
    const lines = new Set(diagnostics.map((one) => one.at.line));
    expect([...lines]).toEqual([1, 2, 6, 8, 12, 16, 17, 18, 22, 26, 29, 30, 31, 32, 33, 37, 38, 43, 44, 47]);
  });
});

describe('one bad file a rule', () => {
  const files = readdirSync(BAD).filter((name) => name.endsWith('.yml'));

  test('each rule has its file, but for the one that needs a huge file', () => {
    expect(files.map((name) => name.slice(0, 6)).sort()).toEqual(
      Object.keys(RULES)
        .filter((rule) => rule !== 'OV1012')
        .sort(),
    );
  });

  test.each(files)('%s', (name) => {
    const { text, json } = lint(`${BAD}/${name}`);
    const rule = name.slice(0, 6) as keyof typeof RULES;
    golden(`${BAD}/${rule}.lint.txt`, text);
    expect(text).toContain(`${RULES[rule].severity} ${rule}: `);
    const { diagnostics } = JSON.parse(json);
    expect(diagnostics).toEqual([...diagnostics].sort(compareDiagnostics));
  });

  test.each(files)('%s has a spec exactly when it has no error', (name) => {
    const { spec, diagnostics } = loadManifest(readFileSync(`${BAD}/${name}`, 'utf8'), { stack: 'mystack1' });
    expect(spec === null).toBe(diagnostics.some((one) => one.severity === 'error'));
  });
});

describe('contracts', () => {
  test('what --json prints fits docs/schema/lint.schema.json', () => {
    const schema = JSON.parse(readFileSync('docs/schema/lint.schema.json', 'utf8'));
    const validate = new Ajv({ strict: true, strictTypes: false }).compile(schema);
    for (const name of readdirSync(BAD).filter((one) => one.endsWith('.yml'))) {
      const document = JSON.parse(lint(`${BAD}/${name}`).json);
      expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
    }
    expect(validate({ schema: 'vxlab.lint/2', file: 'x', diagnostics: [], errors: 0, warnings: 0 })).toBe(
      false,
    );
  });

  test('docs/lint-rules.md lists each rule with its severity and title', () => {
    const listed = [
      ...readFileSync('docs/lint-rules.md', 'utf8').matchAll(/^\| (OV\d+) \| (\w+) \| (.*?) \|/gm),
    ];
    expect(listed.map((row) => [row[1], row[2], row[3]])).toEqual(
      Object.entries(RULES).map(([rule, { severity, title }]) => [rule, severity, title]),
    );
  });
});
