// TLS (RFC 8446, RFC 5246): encrypted, but for what is said first: the server's name (SNI), the protocols inside (ALPN), the
// version, and up to TLS 1.2 the certificates.
//
//   record: type 1 | version 2 | length 2 | fragment      handshake message: type 1 | length 3 | body      (s.5.1, s.4)

import { Pieces } from '../pieces.ts';
import type { Claim, Protocol, Reader, Side, Speech, Talk } from '../reader.ts';
import type { Reading } from '../reading.ts';
import { certificateNames } from '../tls/certificate.ts';
import type { Found } from '../tls/hello.ts';
import { readHello } from '../tls/hello.ts';

const RECORD = { change: 20, alert: 21, handshake: 22, data: 23 } as const;
const HANDSHAKE = { clientHello: 1, serverHello: 2, certificate: 11 } as const;
const RECORD_HEADER = 5;
/** A fragment with all that encryption may add (RFC 5246 s.6.2.3). */
const FRAGMENT_MAX = 16_384 + 2048;
/** Longer handshake messages are not waited for. */
const MESSAGE_MAX = 49_152;
const FOREVER = Number.MAX_SAFE_INTEGER;

export const tls: Protocol = {
  name: 'TLS',
  ports: [443, 465, 636, 853, 989, 990, 993, 995, 2376, 2377, 5671, 6443, 8443, 8883],
  claim,
  reader: (talk) => new TlsReader(talk),
};

function claim(talk: Talk): Claim {
  const client = looks(talk.client, HANDSHAKE.clientHello);
  const server = looks(talk.server, HANDSHAKE.serverHello);
  if (client === 'mine' || server === 'mine') return 'mine';
  return client === 'not mine' || server === 'not mine' ? 'not mine' : 'perhaps';
}

/** A side begins with a hello, or in the middle of the connection with a record of data. */
function looks(speech: Speech, hello: number): Claim {
  const { length } = speech;
  if (length === 0) return 'perhaps';
  const type = speech.byte(0);
  if (type !== RECORD.handshake && type !== RECORD.data) return 'not mine';
  if (length > 1 && speech.byte(1) !== 3) return 'not mine';
  if (length > 2 && speech.byte(2) > 4) return 'not mine';
  if (length < RECORD_HEADER + 1) return 'perhaps';
  const size = speech.uint16(3);
  if (size === 0 || size > FRAGMENT_MAX) return 'not mine';
  if (type === RECORD.data) return speech.byte(2) === 3 ? 'mine' : 'not mine';
  return speech.byte(RECORD_HEADER) === hello ? 'mine' : 'not mine';
}

class TlsReader implements Reader {
  readonly #sides: readonly [TlsSide, TlsSide];

  constructor(talk: Talk) {
    this.#sides = [new TlsSide(talk, 0), new TlsSide(talk, 1)];
  }

  said(side: Side): boolean {
    return this.#sides[side].said();
  }

  lost(side: Side): boolean {
    this.#sides[side].seal();
    return true;
  }

  ended(): void {}
}

class TlsSide {
  readonly #talk: Talk;
  readonly #speech: Speech;
  readonly #isClient: boolean;
  /** Nothing that comes is readable. */
  #isSealed = false;
  /** Fragments of handshake messages in the speech: position, length ... Only what is behind `#at` was not looked at. */
  #pieces: number[] = [];
  #at = 0;
  /** Bytes in the pieces; up to where messages were told; how many there must be for the next one. */
  #have = 0;
  #told = 0;
  #needed = 4;

  constructor(talk: Talk, side: Side) {
    this.#talk = talk;
    this.#isClient = side === 0;
    this.#speech = this.#isClient ? talk.client : talk.server;
  }

  seal(): void {
    this.#isSealed = true;
    this.#pieces = [];
    this.#speech.skip(FOREVER);
  }

  said(): boolean {
    const speech = this.#speech;
    while (!this.#isSealed && speech.length >= this.#at + RECORD_HEADER) {
      const type = speech.byte(this.#at);
      const size = speech.uint16(this.#at + 3);
      const isRecord = type >= RECORD.change && type <= RECORD.data && speech.byte(this.#at + 1) === 3;
      if (!isRecord || size > FRAGMENT_MAX) {
        this.seal();
        break;
      }
      // What follows a change of cipher, and data itself, is encrypted.
      if (type === RECORD.change || type === RECORD.data) {
        this.seal();
        break;
      }
      if (speech.length < this.#at + RECORD_HEADER + size) {
        if (speech.full) this.seal();
        break;
      }
      const fragment = this.#at + RECORD_HEADER;
      this.#at = fragment + size;
      if (type === RECORD.handshake) {
        if (size > 0) this.#pieces.push(fragment, size);
        this.#have += size;
        this.#messages();
      } else if (this.#pieces.length === 0) this.#drop();
    }
    return true;
  }

  /** Reads the handshake messages that are whole. */
  #messages(): void {
    if (this.#have < this.#needed) return;
    const pieces = new Pieces(this.#speech, this.#pieces);
    const { bytes } = pieces;
    let o = this.#told;
    while (o + 4 <= bytes.length) {
      const length = (uint16(bytes, o + 1) << 8) | (bytes[o + 3] as number);
      const end = o + 4 + length;
      this.#needed = end;
      if (length > MESSAGE_MAX) {
        this.seal();
        return;
      }
      if (end > bytes.length) break;
      this.#message(bytes[o] as number, pieces, o + 4, end);
      o = end;
      this.#told = end;
      this.#needed = end + 4;
    }
    if (o < bytes.length) return;
    this.#pieces = [];
    this.#have = 0;
    this.#told = 0;
    this.#needed = 4;
    this.#drop();
  }

  #drop(): void {
    this.#speech.take(this.#at);
    this.#at = 0;
  }

  #message(type: number, stretch: Pieces, from: number, to: number): void {
    const { bytes } = stretch;
    if (type === HANDSHAKE.clientHello && this.#isClient) {
      const hello = readHello(bytes, from, to, true);
      if (hello?.serverName != null) {
        const { text } = hello.serverName;
        this.#tell('name', 'SNI', stretch, hello.serverName);
        this.#talk.named(null, text);
      }
      if (hello?.protocols != null) this.#tell('content', 'protocols offered', stretch, hello.protocols);
    } else if (type === HANDSHAKE.serverHello && !this.#isClient) {
      const hello = readHello(bytes, from, to, false);
      if (hello === null) return;
      this.#tell('content', 'version', stretch, { text: versionName(hello.version), from, to: from + 2 });
      if (hello.protocols !== null) this.#tell('content', 'protocol chosen', stretch, hello.protocols);
    } else if (type === HANDSHAKE.certificate) this.#certificate(stretch, from, to);
  }

  /** A side's own certificate, the first of its chain (RFC 5246 s.7.4.2); the others are of those who signed it. */
  #certificate(stretch: Pieces, from: number, to: number): void {
    const { bytes } = stretch;
    const at = from + 6;
    if (at > to) return;
    const end = at + ((uint16(bytes, from + 3) << 8) | (bytes[from + 5] as number));
    if (end > to) return;
    const isServer = !this.#isClient;
    for (const name of certificateNames(bytes, at, end)) {
      const what = `${isServer ? 'certificate' : 'client certificate'} ${name.sort}`;
      this.#tell(isServer ? 'name' : 'identity', what, stretch, name);
      if (isServer && name.sort === 'dns' && !name.text.includes('*')) this.#talk.named(null, name.text);
    }
  }

  #tell(kind: Reading['kind'], what: string, stretch: Pieces, { text, from, to }: Found): void {
    const position = stretch.position(from);
    this.#talk.tell({
      protocol: 'TLS',
      kind,
      what,
      text,
      secret: '',
      place: this.#speech.place(position),
      length: stretch.position(to - 1) + 1 - position,
      fromClient: this.#isClient,
    });
  }
}

function uint16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function versionName(version: number): string {
  const minor = version & 0xff;
  if (version >>> 8 !== 3 || minor > 4) return `0x${version.toString(16)}`;
  return minor === 0 ? 'SSL 3.0' : `TLS 1.${minor - 1}`;
}
