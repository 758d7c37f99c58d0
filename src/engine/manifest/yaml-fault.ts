// The YAML reader's fault codes (package `yaml`, ErrorCode) in words that help a person who did not read the YAML
// specification.

interface Words {
  readonly message: string;
  readonly hint: string | null;
}

const WORDS: Readonly<Record<string, Words>> = {
  BAD_INDENT: {
    message: 'this line is indented neither like the lines above nor like any level it could belong to',
    hint: 'put all keys of one level into one column',
  },
  BLOCK_AS_IMPLICIT_KEY: {
    message: 'a value that starts here cannot have further keys on the same line',
    hint: 'put the value on lines of its own, or quote it if it holds ": "',
  },
  BLOCK_IN_FLOW: {
    message: 'lines with "- " or "key:" cannot stand inside [ ] or { }',
    hint: 'close the bracket, or write everything inside it with commas',
  },
  MISSING_CHAR: {
    message: 'a closing quote, bracket, comma or colon is missing',
    hint: 'look at this line and the one above',
  },
  MULTILINE_IMPLICIT_KEY: {
    message: 'a key and its colon must stand on one line',
    hint: 'a line above is without its colon, or without the space behind it',
  },
  TAB_AS_INDENT: { message: 'a tab indents this line', hint: 'YAML wants spaces: two for each level' },
  UNEXPECTED_TOKEN: {
    message: 'something stands here that fits neither a key nor a value',
    hint: 'quote text that holds ": ", " #", brackets or quotes',
  },
  BAD_SCALAR_START: {
    message: 'a value cannot start with this character',
    hint: 'put the value into quotes',
  },
  BAD_DQ_ESCAPE: {
    message: 'this backslash sequence means nothing in double quotes',
    hint: 'use single quotes, or write two backslashes',
  },
};

/** A sentence for a fault code; the reader's own where there is none. */
export function faultMessage(code: string, message: string): string {
  return WORDS[code]?.message ?? lowerFirst(message);
}

export function faultHint(code: string): string | null {
  return WORDS[code]?.hint ?? null;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
