// Cuts a command line into words as a shell would, without running anything: docker/cli reads a `command` given as one
// text with google/shlex. Quotes group, a backslash takes the next character as it is, `#` starts a comment.

/** @returns the words; what stands in a quote that never closes is a word too */
export function splitWords(line: string): readonly string[] {
  const words: string[] = [];
  let word: string | null = null;
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    const char = line[at] as string;
    if (quote === "'") {
      if (char === quote) quote = '';
      else word += char;
    } else if (char === '\\' && at + 1 < line.length) {
      word = (word ?? '') + (line[++at] as string);
    } else if (quote !== '') {
      if (char === quote) quote = '';
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (/\s/.test(char)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (char === '#' && word === null) {
      const end = line.indexOf('\n', at);
      at = end < 0 ? line.length : end;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (word !== null) words.push(word);
  return words;
}
