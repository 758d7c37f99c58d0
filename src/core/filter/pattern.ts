// A regular expression as Wireshark's `matches` takes it (PCRE2, case passed over) made into one of JavaScript.
//
// The two agree on most. What differs and is common is translated: (?i) (?s) (?m) (?-i) at the start, \A \z \Z \h \Q...\E,
// [[:alpha:]], (?P<name>...), and that . stops at \n only while $ also matches in front of a last \n. Text is matched as
// bytes, a character each.

const POSIX: Readonly<Record<string, string>> = {
  alpha: 'a-zA-Z',
  digit: '0-9',
  alnum: 'a-zA-Z0-9',
  upper: 'A-Z',
  lower: 'a-z',
  space: '\\s',
  blank: ' \\t',
  punct: '!-\\/:-@\\[-`{-~',
  cntrl: '\\x00-\\x1f\\x7f',
  xdigit: '0-9a-fA-F',
  print: '\\x20-\\x7e',
  graph: '\\x21-\\x7e',
  word: '\\w',
};

const ESCAPES: Readonly<Record<string, string>> = {
  A: '(?<![\\s\\S])',
  z: '(?![\\s\\S])',
  Z: '(?=\\n?(?![\\s\\S]))',
  h: '[ \\t]',
  H: '[^ \\t]',
  R: '(?:\\r\\n|\\n|\\r)',
  a: '\\x07',
  e: '\\x1b',
};

interface Options {
  caseless: boolean;
  dotAll: boolean;
  lines: boolean;
}

/** @throws SyntaxError when it is no regular expression, or one that JavaScript cannot do */
export function compilePattern(source: string): RegExp {
  const options: Options = { caseless: true, dotAll: false, lines: false };
  let rest = source;
  for (;;) {
    const match = /^\(\?([ims]*)(?:-([ims]+))?\)/.exec(rest);
    if (match === null) break;
    set(options, match[1] ?? '', true);
    set(options, match[2] ?? '', false);
    rest = rest.slice(match[0].length);
  }
  const flags = `${options.caseless ? 'i' : ''}${options.lines ? 'm' : ''}`;
  return new RegExp(translate(rest, options), flags);
}

function set(options: Options, letters: string, on: boolean): void {
  if (letters.includes('i')) options.caseless = on;
  if (letters.includes('s')) options.dotAll = on;
  if (letters.includes('m')) options.lines = on;
}

function translate(source: string, options: Options): string {
  let out = '';
  let i = 0;
  while (i < source.length) {
    const c = source.charAt(i);
    if (c === '\\') {
      const [text, length] = readEscape(source, i);
      out += text;
      i += length;
    } else if (c === '[') {
      const [text, length] = bracket(source, i);
      out += text;
      i += length;
    } else if (c === '.') {
      out += options.dotAll ? '[\\s\\S]' : '[^\\n]';
      i++;
    } else if (c === '$') {
      out += options.lines ? '(?=\\n|(?![\\s\\S]))' : '(?=\\n?(?![\\s\\S]))';
      i++;
    } else if (source.startsWith('(?P<', i)) {
      out += '(?<';
      i += 4;
    } else {
      out += c;
      i++;
    }
  }
  return out;
}

function readEscape(source: string, at: number): [string, number] {
  const next = source.charAt(at + 1);
  if (next === 'Q') {
    const end = source.indexOf('\\E', at + 2);
    const text = source.slice(at + 2, end < 0 ? source.length : end);
    return [text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), text.length + (end < 0 ? 2 : 4)];
  }
  const hex = /^\\x\{([0-9a-f]{1,2})\}/i.exec(source.slice(at, at + 7));
  if (hex !== null) return [`\\x${(hex[1] as string).padStart(2, '0')}`, hex[0].length];
  return [ESCAPES[next] ?? source.slice(at, at + 2), 2];
}

/** A class from [ to ]; the first ] in it stands for itself. */
function bracket(source: string, at: number): [string, number] {
  let i = at + 1;
  let out = '[';
  if (source.charAt(i) === '^') {
    out += '^';
    i++;
  }
  if (source.charAt(i) === ']') {
    out += '\\]';
    i++;
  }
  while (i < source.length) {
    const c = source.charAt(i);
    const posix = c === '[' ? /^\[:([a-z]+):\]/.exec(source.slice(i, i + 12)) : null;
    const name = posix === null ? undefined : POSIX[posix[1] as string];
    if (posix !== null && name !== undefined) {
      out += name;
      i += posix[0].length;
    } else if (c === '\\') {
      out += source.slice(i, i + 2);
      i += 2;
    } else {
      out += c === '[' ? '\\[' : c;
      i++;
      if (c === ']') return [out, i - at];
    }
  }
  return [out, i - at];
}
