import { describe, expect, test } from 'vitest';
import { duplicates } from '../../scripts/duplicates.ts';
import { codeOf, filesIn, linesLike, textOf } from './repo.ts';

const SOURCES = filesIn('src', /\.tsx?$/);
const PURE = SOURCES.filter((path) => /^src\/(core|engine|lab)\/|^src\/index\.ts$/.test(path));
const WRITTEN = [
  ...SOURCES,
  ...filesIn('test', /\.ts$/),
  ...filesIn('scripts', /(^|\/)[a-z-]+(\.ts|\.md)?$/),
  ...filesIn('docs', /\.(md|json)$/),
  ...filesIn('fixtures', /README\.md$/),
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'package.json',
].filter(isFile);

/** False for a folder, and for what is not there. */
function isFile(path: string): boolean {
  try {
    textOf(path);
    return true;
  } catch {
    return false;
  }
}

/** The lines of `paths` that match, comments and quoted text left out. */
function inCode(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) => linesLike(path, codeOf(textOf(path)), pattern));
}

describe('the files of src', () => {
  test('are there', () => {
    expect(SOURCES.length).toBeGreaterThan(5);
    expect(PURE).toContain('src/core/wire/udp.ts');
  });

  test('have 400 lines at most', () => {
    const long = SOURCES.filter((path) => textOf(path).trimEnd().split('\n').length > 400);
    expect(long).toEqual([]);
  });

  test('open with what they are', () => {
    const silent = SOURCES.filter((path) => !/^(#!.*\n)?(\/\/|\/\*)/.test(textOf(path)));
    expect(silent).toEqual([]);
  });

  test('have no name that says nothing', () => {
    // A Swarm manager is the field's own word for a node's role, so its room may use it.
    const empty =
      /\b(?:class|interface|type|function|enum)\s+\w*(?:Manager|Helpers?|Utils?)\b|\b(?:class|interface)\s+\w*Data\b/;
    const found = inCode(SOURCES, empty).filter((line) => !/^src\/engine\/orchestrate\//.test(line));
    expect(found).toEqual([]);
    expect(
      SOURCES.filter((path) => /(?:^|[/-])(?:helpers?|utils?|misc|common|data)\.tsx?$/.test(path)),
    ).toEqual([]);
  });
});

describe('the pure rooms', () => {
  test('take no chance of their own', () => {
    expect(inCode(PURE, /\bMath\.random\b|\bcrypto\b|\brandomUUID\b/)).toEqual([]);
  });

  test('read no clock and set no timer', () => {
    const clocks =
      /\b(?:new Date|Date\.(?:now|parse|UTC)|Date\(|performance\.|(?:set|clear)(?:Timeout|Interval|Immediate)|queueMicrotask)\b/;
    expect(inCode(PURE, clocks)).toEqual([]);
  });

  test('know no process, no console and nothing beyond the language', () => {
    const outside = /(?<![.\w])(?:console|process|globalThis|Buffer|TextEncoder|TextDecoder|fetch)\s*[.(]/;
    expect(inCode(PURE, outside)).toEqual([]);
  });

  test('the forwarding plane promises nothing for later', () => {
    const fabric = SOURCES.filter((path) => path.startsWith('src/engine/fabric/'));
    expect(inCode(fabric, /\b(?:async|await|Promise)\b/)).toEqual([]);
  });
});

describe('everything written here', () => {
  test('is finished: no note to do it later', () => {
    const later = new RegExp(`\\b(?:${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')})\\b`);
    expect(WRITTEN.flatMap((path) => linesLike(path, textOf(path), later))).toEqual([]);
  });

  test('silences no checker of types and leaves no test alone', () => {
    const silenced = /@ts-(?:ignore|nocheck)|(?:test|describe|it)\.only\(/;
    const found = WRITTEN.filter((path) => path !== 'test/house/files.test.ts').flatMap((path) =>
      linesLike(path, textOf(path), silenced),
    );
    expect(found).toEqual([]);
  });

  test('names no path of one machine', () => {
    const machine = new RegExp(
      `(?<![\\w.])/(?:${['work', 'root', 'home/[a-z]+'].join('|')})/|\\.\\./shar${'ed'}\\b`,
    );
    expect(WRITTEN.flatMap((path) => linesLike(path, textOf(path), machine))).toEqual([]);
  });
});

describe('scripts/duplicates', () => {
  const block = Array.from({ length: 6 }, (_, i) => `  total += step(${i});`).join('\n');

  test('finds a copied run across files, whatever its comments and indentation', () => {
    const copy = block.replace(/^ {2}/gm, '      ').replace('\n', '\n// why\n');
    const found = duplicates(
      new Map([
        ['a.ts', `// one\n${block}\n`],
        ['b.ts', `import { step } from './a.ts';\n\n${copy}\n  other();\n`],
      ]),
      5,
    );
    expect(found).toEqual([{ first: 'a.ts:2', second: 'b.ts:3', lines: 6 }]);
  });

  test('finds a copied run within one file', () => {
    expect(duplicates(new Map([['a.ts', `${block}\n  between();\n${block}\n`]]), 6)).toEqual([
      { first: 'a.ts:1', second: 'a.ts:8', lines: 6 },
    ]);
  });

  test('leaves shorter runs and equal imports alone', () => {
    const imports = "import {\n  a,\n  b,\n  c,\n  d,\n  e,\n} from './x.ts';\n";
    const files = new Map([
      ['a.ts', `${imports}${block}\n`],
      ['b.ts', `${imports}one();\n`],
    ]);
    expect(duplicates(files, 4)).toEqual([]);
    expect(duplicates(new Map([['a.ts', `${block}\n  x();\n${block}\n`]]), 7)).toEqual([]);
  });
});
