// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts hold Compose's variables, not JavaScript's.

import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { renderDiagnostics } from '../../../src/cli/render/diagnostic.ts';
import { PORTS_MAX } from '../../../src/engine/manifest/compose-ports.ts';
import { loadCompose } from '../../../src/engine/manifest/load.ts';
import { DEPTH_MAX, NODES_MAX } from '../../../src/engine/manifest/source.ts';
import { TEXT_MAX } from '../../../src/engine/manifest/text.ts';

const FOLDERS = ['fixtures/manifests', 'fixtures/manifests/bad'];
const FIXTURES = FOLDERS.flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.yml'))
    .map((name) => readFileSync(`${folder}/${name}`, 'utf8')),
);

/** Loads, renders, and checks what must hold for any text: a spec exactly without errors, places inside the text. */
function check(text: string): void {
  const { spec, diagnostics } = loadCompose(text, { stack: 's', variables: { A: '1' } });
  expect(spec === null).toBe(diagnostics.some((one) => one.severity === 'error'));
  const lines = text.split('\n');
  for (const { at, end, message } of diagnostics) {
    expect(at.line, message).toBeGreaterThanOrEqual(1);
    expect(at.line, message).toBeLessThanOrEqual(lines.length);
    expect(at.column, message).toBeGreaterThanOrEqual(1);
    expect(at.column, message).toBeLessThanOrEqual((lines[at.line - 1] ?? '').length + 1);
    if (end === null) continue;
    expect(end.line * 1e7 + end.column, message).toBeGreaterThanOrEqual(at.line * 1e7 + at.column);
  }
  expect(renderDiagnostics('f.yml', text, diagnostics).endsWith('\n')).toBe(true);
}

const PIECES = [
  ...[
    '\t',
    '\u00a0',
    '\u2013 ',
    '\u2019',
    '\ufeff',
    '\r',
    '\n',
    ' ',
    '  ',
    ':',
    ': ',
    '- ',
    '-',
    '&a ',
    '*a',
    '<<: ',
  ],
  ...[
    '{',
    '}',
    '[',
    ']',
    '"',
    "'",
    '|\n',
    '>-\n',
    '#',
    '!!int ',
    '!x ',
    '---\n',
    '...\n',
    '? ',
    ',',
    '0',
    '-1',
  ],
  ...[
    '${A}',
    '${',
    '$$',
    '${B:?no}',
    'null',
    '~',
    'true',
    '1e9',
    '.inf',
    '__proto__',
    'constructor',
    'toString',
  ],
];

describe('no text throws', () => {
  test('any characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => check(text)),
      { numRuns: 500 },
    );
  });

  test('any mixture of the pieces that YAML is made of', () => {
    const words = [
      ...PIECES,
      'services',
      'networks',
      'web',
      'image',
      'ipam',
      'config',
      'subnet',
      '10.0.1.0/24',
    ];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...words), { maxLength: 40 }), (parts) => check(parts.join(''))),
      { numRuns: 1000 },
    );
  });

  test('a fixture with pieces put in, cut out or overwritten anywhere', () => {
    const edit = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      cut: fc.nat(12),
      put: fc.constantFrom('', ...PIECES),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...FIXTURES),
        fc.array(edit, { minLength: 1, maxLength: 4 }),
        (fixture, edits) => {
          let text = fixture;
          for (const { at, cut, put } of edits) {
            const from = Math.floor(at * text.length);
            text = text.slice(0, from) + put + text.slice(from + cut);
          }
          check(text);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('every beginning of the lecture, as noted and as mended', () => {
    for (const name of ['lecture-as-noted.yml', 'lecture.yml', 'every-key.yml']) {
      const text = readFileSync(`fixtures/manifests/${name}`, 'utf8');
      for (let end = 0; end < text.length; end += name === 'every-key.yml' ? 17 : 3)
        check(text.slice(0, end));
    }
  });

  test('the same text gives the same answer', () => {
    for (const text of FIXTURES) {
      expect(loadCompose(text, { stack: 's' })).toEqual(loadCompose(text, { stack: 's' }));
    }
  });
});

describe('a hostile file costs no more than its size', () => {
  const rules = (text: string): readonly string[] =>
    loadCompose(text, { stack: 's' }).diagnostics.map((one) => one.rule);

  test('a text over the limit is not read', () => {
    expect(rules('#'.repeat(TEXT_MAX + 1))).toEqual(['OV1012']);
  });

  test('towers of brackets', () => {
    expect(rules('['.repeat(100_000))).toEqual(['OV1012']);
    expect(rules('['.repeat(50_000) + ']'.repeat(50_000))).toEqual(['OV1012']);
    expect(rules('? '.repeat(20_000))).toEqual(['OV1012']);
    expect(rules(`a: ${'['.repeat(DEPTH_MAX + 1)}${']'.repeat(DEPTH_MAX + 1)}`)).toContain('OV1012');
  });

  test('aliases of aliases', () => {
    const lines = ['x-0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]'];
    for (let i = 1; i < 12; i++)
      lines.push(
        `x-${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(', ')}]`,
      );
    expect(10 ** 12).toBeGreaterThan(NODES_MAX);
    expect(rules(lines.join('\n'))).toContain('OV1012');
  });

  test('an alias inside its own anchor', () => {
    expect(rules('services: &a\n  web: *a\n')).toContain('OV1011');
  });

  test('ranges of ports', () => {
    const text = `services:\n  w:\n    image: x\n    ports:\n${'      - "1-65535:1-65535"\n'.repeat(4)}`;
    expect(4 * 65535).toBeGreaterThan(PORTS_MAX);
    expect(rules(text)).toContain('OV1012');
  });
});
