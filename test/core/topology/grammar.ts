// Small grammars that drawings are held against: Mermaid flowcharts, Graphviz DOT, XML. They know no more than the drawings
// need, and take nothing else.

const MERMAID_LABEL = String.raw`"(?:[A-Za-z0-9 .,:/()_+-]|#\d+;|<br/>)*"`;
const MERMAID_ID = '[a-z]\\d+';
const MERMAID_LINES: readonly RegExp[] = [
  new RegExp(
    String.raw`^ {2,4}${MERMAID_ID}(?:\(\[${MERMAID_LABEL}\]\)|\[${MERMAID_LABEL}\]|\(${MERMAID_LABEL}\)|\{\{${MERMAID_LABEL}\}\}|>${MERMAID_LABEL}\])$`,
  ),
  new RegExp(String.raw`^ {2}${MERMAID_ID} (?:===|---|-\.->|-\.-)(?:\|${MERMAID_LABEL}\|)? ${MERMAID_ID}$`),
  /^ {2}classDef [a-z]+ [a-z-]+:[^;]+$/,
  new RegExp(`^ {2}class ${MERMAID_ID}(?:,${MERMAID_ID})* [a-z]+$`),
];

/** The first line that is no flowchart, or null; ids that edges name must be there, and each only once. */
export function mermaidFault(text: string): string | null {
  const [head, ...lines] = text.trimEnd().split('\n');
  if (head !== 'flowchart LR') return head ?? '';
  const ids = new Set<string>();
  const used: string[] = [];
  let open = 0;
  for (const line of lines) {
    const box = new RegExp(String.raw`^ {2}subgraph (${MERMAID_ID})\[${MERMAID_LABEL}\]$`).exec(line);
    if (box !== null) open++;
    else if (line === '  end') open--;
    else if (!MERMAID_LINES.some((rule) => rule.test(line))) return line;
    const made = box?.[1] ?? /^ {2,4}([a-z]\d+)[([{>]/.exec(line)?.[1];
    if (made !== undefined) {
      if (ids.has(made)) return `${made} twice`;
      ids.add(made);
    }
    const edge = /^ {2}([a-z]\d+) [=.-]+>?(?:\|.*\|)? ([a-z]\d+)$/.exec(line);
    if (edge !== null) used.push(edge[1] as string, edge[2] as string);
    if (open < 0 || open > 1) return line;
  }
  if (open !== 0) return 'a subgraph does not end';
  return used.find((id) => !ids.has(id)) ?? null;
}

const DOT_TOKEN = /\s*(?:("(?:[^"\\\n]|\\.)*")|([A-Za-z_][A-Za-z0-9_]*|-?\d+(?:\.\d+)?)|(--|[{}[\];,=]))/y;

/** Why the text is no DOT graph (graphviz.org, "DOT Language": graph, subgraph, node, edge and attribute statements), or null. */
export function dotFault(text: string): string | null {
  const tokens: string[] = [];
  DOT_TOKEN.lastIndex = 0;
  let at = 0;
  while (at < text.trimEnd().length) {
    DOT_TOKEN.lastIndex = at;
    const match = DOT_TOKEN.exec(text);
    if (match === null) return `no token at ${at}: ${text.slice(at, at + 20)}`;
    tokens.push((match[1] ?? match[2] ?? match[3]) as string);
    at = DOT_TOKEN.lastIndex;
  }
  let i = 0;
  const isId = (token: string | undefined): boolean =>
    token !== undefined && /^["A-Za-z_\d-]/.test(token) && token !== '--';
  const expect = (token: string): void => {
    if (tokens[i] !== token) throw new Error(`${token} expected, not ${tokens[i]} (token ${i})`);
    i++;
  };
  const id = (): void => {
    if (!isId(tokens[i])) throw new Error(`an id expected, not ${tokens[i]} (token ${i})`);
    i++;
  };
  const attributes = (): void => {
    expect('[');
    while (tokens[i] !== ']') {
      id();
      expect('=');
      id();
      if (tokens[i] === ',') i++;
    }
    expect(']');
  };
  const statements = (): void => {
    expect('{');
    while (tokens[i] !== '}') {
      if (tokens[i] === 'subgraph') {
        i++;
        id();
        statements();
        continue;
      }
      id();
      if (tokens[i] === '=') {
        i++;
        id();
      } else {
        while (tokens[i] === '--') {
          i++;
          id();
        }
        if (tokens[i] === '[') attributes();
      }
      expect(';');
    }
    expect('}');
  };
  try {
    expect('graph');
    id();
    statements();
    return i === tokens.length ? null : `something behind the end: ${tokens[i]}`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Why the text is no well-formed XML without declarations, comments and processing instructions, or null. */
export function xmlFault(text: string): string | null {
  const part = /<(\/?)([A-Za-z][\w-]*)((?:\s+[A-Za-z][\w:-]*="(?:[^<&"]|&#\d+;)*")*)\s*(\/?)>|([^<]+)/y;
  const open: string[] = [];
  let roots = 0;
  let at = 0;
  while (at < text.length) {
    part.lastIndex = at;
    const match = part.exec(text);
    if (match === null) return `not XML at ${at}: ${text.slice(at, at + 30)}`;
    at = part.lastIndex;
    const [, closing, name, attributes, empty, words] = match;
    if (words !== undefined) {
      if (/&(?!#\d+;)/.test(words)) return `a bare ampersand: ${words}`;
      if (/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(words))
        return 'a character that XML has not';
      if (open.length === 0 && words.trim() !== '') return 'text outside the root';
      continue;
    }
    const keys = [...(attributes ?? '').matchAll(/\s([\w:-]+)=/g)].map(([, key]) => key);
    if (new Set(keys).size < keys.length) return `an attribute twice in ${name}`;
    if (closing === '/') {
      if (open.pop() !== name) return `${name} ends and was not open`;
    } else {
      if (open.length === 0) roots++;
      if (empty !== '/') open.push(name as string);
    }
  }
  return open.length > 0 ? `${open.at(-1)} does not end` : roots === 1 ? null : `${roots} roots`;
}
