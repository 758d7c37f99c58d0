// Strikes known secrets out of texts: wherever one stands as it is, percent-encoded (RFC 3986 s.2.1), in base64 (RFC 4648 s.4 and
// s.5), in hexadecimal, or escaped as in JSON (RFC 8259 s.7).
//
// There may be as many secrets as there are cookies in a capture, so a text is read once: the first four characters at a place
// say whether anything may begin there.

/** What stands for a secret; as long for a short one as for a long one. */
export const MASK = '********';

/** Shorter ones are in half of all words; they are not looked for. */
const LENGTH_MIN = 4;
/** From this length on a secret is struck wherever it stands; a shorter one where it is a word of its own. */
const ANYWHERE = 8;
const BITS = 16;

export class Striker {
  readonly #byStart: Map<string, string[]> = new Map();
  readonly #starts: Uint8Array = new Uint8Array(1 << BITS);

  /** @param least characters that the secret must have to be looked for, at least 4 */
  add(secret: string, least: number = LENGTH_MIN): void {
    // What was cut is known by its beginning.
    const whole = secret.replace(/…$/, '');
    if (whole.length < Math.max(least, LENGTH_MIN)) return;
    for (const form of new Set([whole, ...encodings(whole)])) this.#put(form);
  }

  /** The text without what was added. @param least characters that a secret must have to be looked for here */
  strike(text: string, least: number = 0): string {
    if (this.#byStart.size === 0) return text;
    let out = '';
    let done = 0;
    for (let at = 0; at + LENGTH_MIN <= text.length; at++) {
      if (this.#starts[keyAt(text, at)] === 0) continue;
      const found = this.#at(text, at, least);
      if (found === 0) continue;
      out += text.slice(done, at) + MASK;
      at += found - 1;
      done = at + 1;
    }
    return done === 0 ? text : out + text.slice(done);
  }

  /** The length of the longest that stands at a place, 0 for none. */
  #at(text: string, at: number, least: number): number {
    const forms = this.#byStart.get(text.slice(at, at + LENGTH_MIN)) ?? [];
    for (const form of forms) {
      if (form.length < least || !text.startsWith(form, at)) continue;
      const isWord = !isWordLike(text, at - 1) && !isWordLike(text, at + form.length);
      if (form.length >= ANYWHERE || isWord) return form.length;
    }
    return 0;
  }

  #put(form: string): void {
    const start = form.slice(0, LENGTH_MIN);
    const forms = this.#byStart.get(start);
    this.#starts[keyAt(form, 0)] = 1;
    if (forms === undefined) this.#byStart.set(start, [form]);
    else if (!forms.includes(form)) {
      const shorter = forms.findIndex(({ length }) => length < form.length);
      forms.splice(shorter < 0 ? forms.length : shorter, 0, form);
    }
  }
}

function keyAt(text: string, at: number): number {
  let key = 0;
  for (let i = 0; i < LENGTH_MIN; i++) key = Math.imul(key, 31) + text.charCodeAt(at + i);
  return (key ^ (key >>> BITS)) & ((1 << BITS) - 1);
}

function isWordLike(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return (
    (code >= 0x30 && code <= 0x39) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x61 && code <= 0x7a) ||
    code === 0x5f ||
    code > 0x7f
  );
}

/** Other forms of a secret, those long enough to be no accident. */
function encodings(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const hex = bytes.toString('hex');
  const percent = percentEncoded(bytes);
  const json = JSON.stringify(secret).slice(1, -1);
  const forms = [
    hex,
    hex.toUpperCase(),
    percent,
    percent.replaceAll('%20', '+'),
    percent.replace(/%../g, (code) => code.toLowerCase()),
    json,
  ];
  for (const before of [0, 1, 2]) {
    for (const kind of ['base64', 'base64url'] as const) forms.push(base64Core(bytes, before, kind));
  }
  return forms.filter(({ length }) => length >= ANYWHERE);
}

function percentEncoded(bytes: Buffer): string {
  return Array.from(bytes, (byte) => {
    const letter = String.fromCharCode(byte);
    return /[\w.~-]/.test(letter) ? letter : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }).join('');
}

/** The characters of base64 that hold bits of the secret alone, when `before` bytes of a group stand in front of it. */
function base64Core(bytes: Buffer, before: number, kind: 'base64' | 'base64url'): string {
  const text = Buffer.concat([Buffer.alloc(before), bytes]).toString(kind);
  return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
}
