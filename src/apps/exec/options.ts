// The options of a command line as getopt_long(3) reads them: letters that may stand together, values behind a letter or in the
// next word, long names in full with `=` or a space, operands anywhere, `--` as the end of options.

export interface OptionShape {
  /** A letter each; one with a colon behind it takes a value, as getopt has it. */
  readonly letters: string;
  /** What long names stand for: a letter or a name of their own. A name with `=` at its end takes a value. */
  readonly long?: Readonly<Record<string, string>>;
}

export interface GivenOption {
  /** The letter, or what the long name stands for. */
  readonly name: string;
  /** Empty for an option without one. */
  readonly value: string;
  /** As it was written: `-m` or `--max-time`. */
  readonly written: string;
}

export interface ReadOptions {
  readonly options: readonly GivenOption[];
  readonly operands: readonly string[];
}

/** Why a command line is not understood, and the option at fault as it was written. */
export interface OptionFault {
  readonly fault: 'unknown' | 'no-value';
  readonly written: string;
}

/** Reads a command line without the program's name; the first fault ends it. */
export function readOptions(argv: readonly string[], shape: OptionShape): ReadOptions | OptionFault {
  const options: GivenOption[] = [];
  const operands: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string;
    if (word === '--') {
      operands.push(...argv.slice(i + 1));
      break;
    }
    if (word === '-' || !word.startsWith('-')) {
      operands.push(word);
      continue;
    }
    const next = argv[i + 1];
    const read = word.startsWith('--') ? readLong(word, next, shape) : readLetters(word, next, shape);
    if ('fault' in read) return read;
    options.push(...read.options);
    if (read.tookNext) i++;
  }
  return { options, operands };
}

interface OneWord {
  readonly options: readonly GivenOption[];
  readonly tookNext: boolean;
}

function readLong(word: string, next: string | undefined, shape: OptionShape): OneWord | OptionFault {
  const equals = word.indexOf('=');
  const written = equals < 0 ? word : word.slice(0, equals);
  const long = written.slice(2);
  const flag = own(shape.long, long);
  if (flag !== undefined && equals < 0) {
    return { options: [{ name: flag, value: '', written }], tookNext: false };
  }
  const name = own(shape.long, `${long}=`);
  if (name === undefined) return { fault: 'unknown', written: word };
  if (equals >= 0) return { options: [{ name, value: word.slice(equals + 1), written }], tookNext: false };
  if (next === undefined) return { fault: 'no-value', written };
  return { options: [{ name, value: next, written }], tookNext: true };
}

function readLetters(word: string, next: string | undefined, shape: OptionShape): OneWord | OptionFault {
  const options: GivenOption[] = [];
  for (let at = 1; at < word.length; at++) {
    const name = word[at] as string;
    const written = `-${name}`;
    const place = name === ':' ? -1 : shape.letters.indexOf(name);
    if (place < 0) return { fault: 'unknown', written };
    if (shape.letters[place + 1] !== ':') {
      options.push({ name, value: '', written });
      continue;
    }
    const rest = word.slice(at + 1);
    if (rest === '' && next === undefined) return { fault: 'no-value', written };
    options.push({ name, value: rest === '' ? (next as string) : rest, written });
    return { options, tookNext: rest === '' };
  }
  return { options, tookNext: false };
}

function own(table: Readonly<Record<string, string>> | undefined, key: string): string | undefined {
  return table !== undefined && Object.hasOwn(table, key) ? table[key] : undefined;
}

/** A whole number of decimal digits, or null for anything else and for what is beyond 2^53. */
export function wholeNumber(text: string): number | null {
  const n = Number(text);
  return /^\d+$/.test(text) && Number.isSafeInteger(n) ? n : null;
}

/** A decimal number that is not negative, or null. */
export function decimalNumber(text: string): number | null {
  return /^(\d+\.?\d*|\.\d+)$/.test(text) ? Number(text) : null;
}
