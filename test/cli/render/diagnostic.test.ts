import { describe, expect, test } from 'vitest';
import type { Paint } from '../../../src/cli/render/diagnostic.ts';
import { lintDocument, renderDiagnostics } from '../../../src/cli/render/diagnostic.ts';
import type { Diagnostic } from '../../../src/engine/model/diagnostic.ts';

function finding(more: Partial<Diagnostic>): Diagnostic {
  const at = { line: 1, column: 3 };
  return { rule: 'OV1101', severity: 'error', message: 'm', hint: null, at, end: null, path: '', ...more };
}

describe('diagnostics as text', () => {
  test('place, rule, message, source line, mark, hint, summary', () => {
    const found = [
      finding({
        message: 'unknown key "drier"',
        hint: 'did you mean "driver"?',
        end: { line: 1, column: 8 },
      }),
    ];
    expect(renderDiagnostics('a.yml', '  drier: overlay\n', found)).toBe(
      [
        'a.yml:1:3 error OV1101: unknown key "drier"',
        '    1 |   drier: overlay',
        '      |   ^^^^^',
        '      = did you mean "driver"?',
        '',
        'a.yml: 1 error, 0 warnings, 0 notes',
        '',
      ].join('\n'),
    );
  });

  test('nothing found is said so', () => {
    expect(renderDiagnostics('a.yml', '', [])).toBe('a.yml: no problems\n');
  });

  test('a point is one mark, a mark over several lines ends with the first, an empty line is left out', () => {
    const point = renderDiagnostics('f', 'abcdef', [finding({})]);
    expect(point).toContain('      |   ^\n');
    const long = renderDiagnostics('f', 'abcdef  \r\nx', [finding({ end: { line: 2, column: 1 } })]);
    expect(long).toContain('    1 | abcdef  \n      |   ^^^^\n');
    expect(renderDiagnostics('f', '\n', [finding({})])).not.toContain('|');
    expect(renderDiagnostics('f', 'x', [finding({ at: { line: 9, column: 1 } })])).not.toContain('|');
  });

  test('tabs and control characters keep the mark in its column', () => {
    expect(renderDiagnostics('f', '\ta\u0007b', [finding({})])).toContain(
      '    1 | \u2192a\ufffdb\n      |   ^\n',
    );
  });

  test('a long line is cut around the mark', () => {
    const line = `${'x'.repeat(300)}HERE${'y'.repeat(300)}`;
    const at = { line: 1, column: 301 };
    const text = renderDiagnostics('f', line, [finding({ at, end: { line: 1, column: 305 } })]);
    const [, source = '', mark = ''] = text.split('\n');
    expect(source).toContain(`${'x'.repeat(20)}HERE`);
    expect(source.length).toBeLessThan(120);
    expect(source.slice(mark.indexOf('^'), mark.lastIndexOf('^') + 1)).toBe('HERE');
  });

  test('paint is put around the words and never changes them', () => {
    const wrap = (open: string) => (text: string) => `<${open}>${text}</${open}>`;
    const paint: Paint = {
      error: wrap('e'),
      warning: wrap('w'),
      note: wrap('n'),
      dim: wrap('d'),
      bold: wrap('b'),
    };
    const found = [finding({ hint: 'h' }), finding({ severity: 'note', rule: 'OV1202' })];
    const painted = renderDiagnostics('f', 'abcdef', found, paint);
    expect(painted).toContain('<b>f:1:3</b> <e>error OV1101</e>: m');
    expect(painted).toContain('<n>note OV1202</n>');
    expect(painted.replace(/<\/?[ewndb]>/g, '')).toBe(renderDiagnostics('f', 'abcdef', found));
  });
});

test('the JSON document counts errors and warnings', () => {
  const found = [finding({}), finding({ severity: 'warning' }), finding({ severity: 'note' })];
  expect(lintDocument('f', found)).toMatchObject({
    schema: 'vxlab.lint/1',
    file: 'f',
    errors: 1,
    warnings: 1,
  });
});
