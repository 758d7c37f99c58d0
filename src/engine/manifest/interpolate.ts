// Variables in a manifest's values, as docker/cli's compose/template reads them: $NAME, ${NAME}, defaults (${NAME:-x} if
// unset or empty, ${NAME-x} if unset), demands (${NAME:?why}, ${NAME?why}) and $$ for a dollar sign. Names are ASCII
// letters, digits and underscores. Keys are never filled in. Whoever calls hands the variables in.

/** What a reference turned out to be wrong about. */
export interface Fault {
  readonly kind: 'invalid' | 'unset' | 'required';
  /** The variable's name; for `invalid` the text from the dollar sign on. */
  readonly name: string;
  /** For `required` what the manifest says about it. */
  readonly why: string;
}

export interface Interpolated {
  readonly text: string;
  readonly faults: readonly Fault[];
}

// Docker reads the operator behind a name without braces too: "$TAG-alpine" is TAG with the default "alpine".
const REFERENCE =
  /\$(?:(\$)|([_a-z][_a-z0-9]*)(?:(:?[-?])([^}]*))?|\{([_a-z][_a-z0-9]*)(?:(:?[-?])([^}]*))?\}|)/gi;

export type Variables = Readonly<Record<string, string>>;

export function interpolate(text: string, variables: Variables): Interpolated {
  if (!text.includes('$')) return { text, faults: [] };
  const faults: Fault[] = [];
  const replace = (whole: string, ...groups: (string | number | undefined)[]): string => {
    const [escaped, named, bare, bareRest, braced, inBraces, bracesRest] = groups as (string | undefined)[];
    if (escaped !== undefined) return '$';
    const name = named ?? braced;
    const operator = bare ?? inBraces;
    const rest = bareRest ?? bracesRest;
    if (name === undefined) {
      const at = groups[groups.length - 2] as number;
      faults.push({ kind: 'invalid', name: text.slice(at, at + 20), why: '' });
      return whole;
    }
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    const missing = value === undefined || (value === '' && operator?.startsWith(':') === true);
    if (!missing) return value;
    if (operator?.endsWith('-') === true) return rest ?? '';
    const required = operator?.endsWith('?') === true;
    faults.push({ kind: required ? 'required' : 'unset', name, why: rest ?? '' });
    return '';
  };
  return { text: text.replace(REFERENCE, replace), faults };
}
