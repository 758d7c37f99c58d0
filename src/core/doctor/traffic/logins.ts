// What a log-in looks like at the start of a TCP payload: HTTP (RFC 7617, RFC 6750, RFC 6265, forms), FTP (RFC 959), POP3
// (RFC 1939), IMAP (RFC 9051 s.6.2), SMTP (RFC 4954), Redis (RESP), MySQL and PostgreSQL with clear-text passwords.
//
// Only the user's name is taken out; the secret is never copied.

/** One secret that stands in a payload. */
export interface Login {
  /** What is readable: `password`, `token`, `cookie`. */
  readonly secret: string;
  /** `HTTP Basic`, `FTP or POP3`, ... */
  readonly where: string;
  /** '' when the payload does not say. */
  readonly user: string;
  readonly cookie: boolean;
  /** True when the server's side shows it, by asking for it in the clear. */
  readonly byServer: boolean;
}

const USER_MAX = 64;
const IMAP_PORT = 143;
const REDIS_PORT = 6379;
const POSTGRES_PORTS: readonly number[] = [5432, 6432];
/** A MySQL packet's sequence number when the client answers the greeting, and when the server asks for another method. */
const MYSQL_RESPONSE = 1;
const MYSQL_SWITCH = 2;
const MYSQL_CLEAR = 'mysql_clear_password';

/** First four bytes, as big-endian words, that open a request or a command; letters in upper case. */
const OPENINGS: ReadonlySet<number> = new Set(
  [
    'GET ',
    'POST',
    'PUT ',
    'HEAD',
    'DELE',
    'OPTI',
    'PATC',
    'CONN',
    'TRAC',
    'PROP',
    'USER',
    'PASS',
    'AUTH',
  ].map((word) => [...word].reduce((sum, letter) => sum * 256 + letter.charCodeAt(0), 0)),
);
const IS_OPENING: Uint8Array = new Uint8Array(256);
for (const word of OPENINGS) {
  IS_OPENING[word >>> 24] = 1;
  IS_OPENING[(word >>> 24) | 0x20] = 1;
}

/** True when it is worth to look closer at the payload in [at, end), of at least four bytes. Cheap: runs for every segment. */
export function mayOpen(view: DataView, at: number, end: number, port: number): boolean {
  const word = view.getUint32(at);
  const first = word >>> 24;
  // Upper case, where these are letters; a space stays one.
  if (IS_OPENING[first] === 1 && OPENINGS.has((word & upperMask(word)) >>> 0)) return true;
  if (first === 0x2a) return (word & 0xffff) === 0x0d0a;
  if (first === 0x70) return POSTGRES_PORTS.includes(port);
  if (first === 0x52) return word === 0x52000000;
  const step = word & 0xffff;
  if (step === MYSQL_RESPONSE || step === MYSQL_SWITCH) return mysqlLength(word) === end - at - 4;
  return port === IMAP_PORT;
}

/** Clears the bit that makes a letter small. */
function upperMask(word: number): number {
  return ~((word & 0x40404040) >>> 1);
}

/** The length field of a MySQL packet: three bytes, the low one first. */
function mysqlLength(word: number): number {
  return (word >>> 24) | ((word >>> 8) & 0xff00) | ((word << 8) & 0xff0000);
}

/**
 * The secrets at the start of a payload.
 * @param text its first bytes, one character each
 * @param port the destination port
 * @param length of the whole payload
 */
export function loginsIn(text: string, port: number, length: number): Login[] {
  if (/^[A-Za-z]+ [^\r\n]* HTTP\/1\.[01]\r?\n/.test(text)) return httpLogins(text);
  const one = commandLogin(text, port) ?? redisLogin(text, port) ?? databaseLogin(text, port, length);
  return one === null ? [] : [one];
}

function password(where: string, user: string, byServer = false): Login {
  return { secret: 'password', where, user: clean(user), cookie: false, byServer };
}

function httpLogins(text: string): Login[] {
  const found: Login[] = [];
  const end = /\r?\n\r?\n/.exec(text);
  const head = end === null ? text : text.slice(0, end.index);
  const basic = /\n(?:proxy-)?authorization:[ \t]*basic[ \t]+([A-Za-z0-9+/=]+)/i.exec(head);
  if (basic !== null) found.push(password('HTTP Basic', before(base64(basic[1] as string), ':')));
  if (/\n(?:proxy-)?authorization:[ \t]*(?:bearer|token)[ \t]+[^\s]/i.test(head)) {
    found.push({ secret: 'token', where: 'HTTP Bearer', user: '', cookie: false, byServer: false });
  }
  if (/\n(?:x-api-key|x-auth-token|private-token):[ \t]*[^\s]/i.test(head)) {
    found.push({ secret: 'token', where: 'HTTP header', user: '', cookie: false, byServer: false });
  }
  if (/\ncookie:[ \t]*[^\s]/i.test(head)) {
    found.push({ secret: 'cookie', where: 'HTTP', user: '', cookie: true, byServer: false });
  }
  const query = /^[^\r\n]*?\?([^\s#]*)/.exec(head)?.[1] ?? '';
  const inQuery = formUser(query);
  if (inQuery !== null) found.push(password('HTTP query', inQuery));
  if (end !== null) {
    const body = text.slice(end.index + end[0].length);
    const inBody = formUser(body) ?? jsonUser(body) ?? multipartUser(body);
    if (inBody !== null) found.push(password('HTTP form', inBody));
  }
  return found;
}

const SECRET_FIELDS = '(?:[a-z_]{0,16}pass(?:word|wd|phrase)?|pwd|[a-z_]{0,16}secret)';
const USER_FIELDS = '(?:user(?:[_-]?name)?|login|e-?mail|uid|account)';
const FORM_SECRET = new RegExp(`(?:^|&)${SECRET_FIELDS}=[^&\\s]`, 'i');
const FORM_USER = new RegExp(`(?:^|&)${USER_FIELDS}=([^&\\s]*)`, 'i');
const JSON_SECRET = new RegExp(`"${SECRET_FIELDS}"\\s{0,8}:\\s{0,8}"[^"]`, 'i');
const JSON_USER = new RegExp(`"${USER_FIELDS}"\\s{0,8}:\\s{0,8}"([^"]*)"`, 'i');
const PART_SECRET = new RegExp(`name="?${SECRET_FIELDS}"?\\r?\\n`, 'i');
const PART_USER = new RegExp(`name="?${USER_FIELDS}"?\\r?\\n\\r?\\n([^\\r\\n]*)`, 'i');

/** The user of a form that has a password with a value, '' without one; null when it has none. */
function formUser(form: string): string | null {
  return FORM_SECRET.test(form) ? (FORM_USER.exec(form)?.[1] ?? '') : null;
}

function jsonUser(body: string): string | null {
  return JSON_SECRET.test(body) ? (JSON_USER.exec(body)?.[1] ?? '') : null;
}

function multipartUser(body: string): string | null {
  return PART_SECRET.test(body) ? (PART_USER.exec(body)?.[1] ?? '') : null;
}

/** Protocols of lines: USER and PASS in one packet or PASS alone, AUTH of SMTP and POP3, LOGIN and AUTHENTICATE of IMAP. */
function commandLogin(text: string, port: number): Login | null {
  const both = /^USER[ \t]+([^\s]{1,64})\s+PASS[ \t]+[^\s]/i.exec(text);
  if (both !== null) return password('USER and PASS', both[1] as string);
  if (/^PASS[ \t]+[\x21-\x7e]/i.test(text)) return password('FTP or POP3 PASS', '');
  const plain = /^AUTH[ \t]+PLAIN(?:[ \t]+([A-Za-z0-9+/=]+))?\s/i.exec(text);
  if (plain !== null) return password('AUTH PLAIN', plainUser(plain[1] ?? ''));
  const login = /^AUTH[ \t]+LOGIN(?:[ \t]+([A-Za-z0-9+/=]+))?\s/i.exec(text);
  if (login !== null) return password('AUTH LOGIN', base64(login[1] ?? ''));
  if (port !== IMAP_PORT) return null;
  const imap = /^[A-Za-z0-9.]{1,32} LOGIN "?([^\s"]{1,64})"? /i.exec(text);
  if (imap !== null) return password('IMAP LOGIN', imap[1] as string);
  const sasl = /^[A-Za-z0-9.]{1,32} AUTHENTICATE (?:PLAIN|LOGIN)(?: ([A-Za-z0-9+/=]+))?\r?\n/i.exec(text);
  return sasl === null ? null : password('IMAP AUTHENTICATE', plainUser(sasl[1] ?? ''));
}

function redisLogin(text: string, port: number): Login | null {
  const auth = /^\*([23])\r\n\$4\r\nAUTH\r\n\$\d{1,6}\r\n([^\r\n]*)/i.exec(text);
  // With two arguments the first is the user, with one it is the password.
  if (auth !== null) return password('Redis AUTH', auth[1] === '3' ? (auth[2] as string) : '');
  const hello = /^\*\d\r\n\$5\r\nHELLO\r\n\$1\r\n\d\r\n\$4\r\nAUTH\r\n\$\d{1,6}\r\n([^\r\n]*)/i.exec(text);
  if (hello !== null) return password('Redis HELLO', hello[1] as string);
  return port === REDIS_PORT && /^AUTH[ \t]+[^\s]/i.test(text) ? password('Redis AUTH', '') : null;
}

function databaseLogin(text: string, port: number, length: number): Login | null {
  // AuthenticationCleartextPassword.
  if (text.startsWith('R\0\0\0\x08\0\0\0\x03')) return password('PostgreSQL asks in the clear', '', true);
  if (text.startsWith('p') && POSTGRES_PORTS.includes(port)) {
    const claimed = [1, 2, 3, 4].reduce((sum, i) => sum * 256 + text.charCodeAt(i), 0);
    const word = /^([\x20-\x7e]{1,1024})\0$/.test(text.slice(5));
    const hashed = /^md5[0-9a-f]{32}\0$/.test(text.slice(5));
    return claimed === length - 1 && word && !hashed ? password('PostgreSQL', '') : null;
  }
  const step = text.charCodeAt(3);
  const at = text.indexOf(MYSQL_CLEAR);
  if (at < 0) return null;
  if (step === MYSQL_SWITCH && at === 5 && text.charCodeAt(4) === 0xfe) {
    return password('MySQL asks in the clear', '', true);
  }
  // HandshakeResponse41: capabilities, packet size, character set and filler take 32 bytes, then the user.
  return step === MYSQL_RESPONSE && at > 36 ? password('MySQL', before(text.slice(36), '\0')) : null;
}

/** The user of SASL PLAIN: authorization identity, user and password with zeros between (RFC 4616). */
function plainUser(encoded: string): string {
  return base64(encoded).split('\0')[1] ?? '';
}

function before(text: string, mark: string): string {
  const at = text.indexOf(mark);
  return at < 0 ? '' : text.slice(0, at);
}

/** What can stand in a title: visible characters, and not too many. */
function clean(user: string): string {
  const visible = user.replace(/[^\x20-\x7e]/g, '?');
  return visible.length > USER_MAX ? `${visible.slice(0, USER_MAX)}...` : visible;
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** RFC 4648 s.4; ends at the first character that is none of its. */
function base64(text: string): string {
  let bits = 0;
  let held = 0;
  let out = '';
  for (const letter of text) {
    const value = BASE64.indexOf(letter);
    if (value < 0) break;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += String.fromCharCode((held >> bits) & 0xff);
  }
  return out;
}
