// curl's connections: looked up, tried address by address, over TLS for https, kept for the next URL to the same place.

import type { Duplex } from 'node:stream';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';
import { connect as connectTls } from 'node:tls';
import { lookUp } from '../names.ts';
import { connectTo, errnoWords } from '../sockets.ts';
import type { ToolContext } from '../tool.ts';
import type { CurlRequest } from './arguments.ts';
import { CURL, CurlFailure } from './failure.ts';
import { Incoming } from './reply.ts';
import type { CurlUrl } from './url.ts';

export interface Connection {
  readonly number: number;
  readonly socket: Duplex;
  readonly incoming: Incoming;
  readonly remoteIp: string;
  readonly remotePort: number;
  readonly localIp: string;
  readonly localPort: number;
  readonly reused: boolean;
}

/** When what was done, in nanoseconds of the lab's clock; 0 for what was not. */
export interface Milestones {
  lookedUp: number;
  connected: number;
  secured: number;
}

/** curl's limit for connecting when nothing is said (CURLOPT_CONNECTTIMEOUT). */
const CONNECT_TIMEOUT = 300e9;

const CERTIFICATE_WORDS = `More details here: https://curl.se/docs/sslcerts.html

curl failed to verify the legitimacy of the server and therefore could not
establish a secure connection to it. To learn more about this situation and
how to fix it, please visit the web page mentioned above.
`;

export class Connections {
  readonly #context: ToolContext;
  readonly #request: CurlRequest;
  readonly #note: (line: string) => void;
  readonly #idle: Map<string, Connection> = new Map();
  #made = 0;

  /** @param note what -v says, without its star */
  constructor(context: ToolContext, request: CurlRequest, note: (line: string) => void) {
    this.#context = context;
    this.#request = request;
    this.#note = note;
  }

  /** How many were made so far. */
  get made(): number {
    return this.#made;
  }

  /**
   * @param until the lab's time at which -m ends everything
   * @throws CurlFailure 6, 7, 28, 35, 60
   */
  async open(url: CurlUrl, began: number, until: number, times: Milestones): Promise<Connection> {
    const key = placeOf(url);
    const idle = this.#idle.get(key);
    this.#idle.delete(key);
    if (idle !== undefined && !idle.socket.destroyed && idle.socket.writable && idle.incoming.surplus === 0) {
      this.#note(`Re-using existing connection #${idle.number} with host ${url.host}`);
      const now = this.#context.time.now;
      Object.assign(times, { lookedUp: now, connected: now });
      return { ...idle, reused: true };
    }
    const addresses = await this.#addresses(url);
    times.lookedUp = this.#context.time.now;
    const [socket, address] = await this.#connect(url, addresses, began, until);
    times.connected = this.#context.time.now;
    const number = this.#made++;
    this.#note(`Connected to ${url.host} (${address}) port ${url.port} (#${number})`);
    const secure = url.scheme === 'https' ? await this.#secure(url, socket, until, began) : null;
    if (secure !== null) times.secured = this.#context.time.now;
    return {
      number,
      socket: secure ?? socket,
      incoming: new Incoming(secure ?? socket),
      remoteIp: address,
      remotePort: url.port,
      localIp: socket.localAddress ?? '',
      localPort: socket.localPort ?? 0,
      reused: false,
    };
  }

  /** The answer is read wholly, and the server keeps the connection. */
  keep(url: CurlUrl, connection: Connection): void {
    this.#idle.set(placeOf(url), connection);
    this.#note(`Connection #${connection.number} to host ${url.host} left intact`);
  }

  leave(connection: Connection): void {
    this.#note(`Closing connection ${connection.number}`);
    connection.socket.destroy();
  }

  /** The program ends, and its sockets with it: in good order, as a kernel closes them. */
  close(): void {
    for (const { socket } of this.#idle.values()) {
      socket.end();
      socket.on('error', () => {});
    }
    this.#idle.clear();
  }

  async #addresses(url: CurlUrl): Promise<readonly string[]> {
    const { resolve, family } = this.#request;
    const port = String(url.port);
    const given = resolve.get(`${url.host.toLowerCase()}:${port}`) ?? resolve.get(`*:${port}`);
    if (given !== undefined) {
      this.#note(`Hostname ${url.host} was found in DNS cache`);
      return given;
    }
    const { addresses } = await lookUp(this.#context, url.host, family);
    if (addresses.length > 0) return addresses;
    this.#note(`Could not resolve host: ${url.host}`);
    this.#note('Closing connection 0');
    throw new CurlFailure(CURL.noSuchHost, `Could not resolve host: ${url.host}`);
  }

  async #connect(
    url: CurlUrl,
    addresses: readonly string[],
    began: number,
    until: number,
  ): Promise<[Exclude<Awaited<ReturnType<typeof connectTo>>['socket'], null>, string]> {
    const { time } = this.#context;
    const limit = Math.min(until, began + (this.#request.connectTimeout ?? CONNECT_TIMEOUT));
    let last = 'ECONNREFUSED';
    for (const address of addresses) {
      const shown = address.includes(':') ? `[${address}]` : address;
      this.#note(`  Trying ${shown}:${url.port}...`);
      const timeout = Math.max(0, limit - time.now);
      const tried = await connectTo(this.#context, { address, port: url.port, timeout });
      if (tried.socket !== null) return [tried.socket, address];
      last = tried.error;
      if (last === 'TIMEOUT' || last === 'ABORTED') break;
      this.#note(`connect to ${address} port ${url.port} failed: ${errnoWords(last)}`);
    }
    const after = Math.floor((time.now - began) / 1e6);
    const timedOut = last === 'TIMEOUT';
    const words =
      timedOut && limit === until
        ? `Connection timed out after ${after} milliseconds`
        : `Failed to connect to ${url.host} port ${url.port} after ${after} ms: ${timedOut ? 'Timeout was reached' : "Couldn't connect to server"}`;
    this.#note(words);
    this.#note(`Closing connection ${this.#made}`);
    throw new CurlFailure(timedOut || last === 'ETIMEDOUT' ? CURL.timedOut : CURL.noConnection, words);
  }

  #secure(url: CurlUrl, socket: object, until: number, began: number): Promise<TLSSocket> {
    const { time, signal } = this.#context;
    this.#note('ALPN: offers http/1.1');
    return new Promise((done, fail) => {
      const secure = connectTls({
        socket: socket as Duplex,
        ...(/^[0-9.]+$|:/.test(url.host) ? {} : { servername: url.host }),
        rejectUnauthorized: false,
        ALPNProtocols: ['http/1.1'],
      });
      const refuse = (failure: CurlFailure): void => {
        settle();
        this.#note(failure.message);
        this.#note(`Closing connection ${this.#made - 1}`);
        secure.destroy();
        fail(failure);
      };
      const late = (): void => {
        const after = Math.floor((time.now - began) / 1e6);
        refuse(new CurlFailure(CURL.timedOut, `SSL connection timeout after ${after} ms`));
      };
      const timer = Number.isFinite(until)
        ? time.setTimeout(late, Math.max(1, (until - time.now) / 1e6))
        : null;
      const settle = (): void => {
        timer?.close();
        signal.removeEventListener('abort', late);
      };
      signal.addEventListener('abort', late, { once: true });
      secure.on('error', (error: NodeJS.ErrnoException) => {
        refuse(new CurlFailure(CURL.tls, tlsWords(error)));
      });
      secure.once('secureConnect', () => {
        const problem = secure.authorized ? null : String(secure.authorizationError);
        if (problem !== null && !this.#request.insecure) {
          return refuse(new CurlFailure(CURL.certificate, certificateWords(problem, url), CERTIFICATE_WORDS));
        }
        settle();
        this.#tell(secure, problem);
        done(secure);
      });
    });
  }

  #tell(secure: TLSSocket, problem: string | null): void {
    this.#note(`SSL connection using ${secure.getProtocol()} / ${secure.getCipher().name}`);
    const agreed = secure.alpnProtocol === false || secure.alpnProtocol === null ? null : secure.alpnProtocol;
    this.#note(
      agreed === null
        ? 'ALPN: server did not agree on a protocol. Uses default.'
        : `ALPN: server accepted ${agreed}`,
    );
    const certificate = secure.getPeerCertificate(true) as Partial<DetailedPeerCertificate>;
    this.#note('Server certificate:');
    this.#note(` subject: ${distinguished(certificate.subject)}`);
    this.#note(` start date: ${certificate.valid_from ?? ''}`);
    this.#note(` expire date: ${certificate.valid_to ?? ''}`);
    this.#note(` issuer: ${distinguished(certificate.issuer)}`);
    this.#note(
      problem === null
        ? ' SSL certificate verify ok.'
        : ` SSL certificate verify result: ${opensslWords(problem)}, continuing anyway.`,
    );
    this.#note('using HTTP/1.x');
  }
}

function placeOf(url: CurlUrl): string {
  return `${url.scheme}://${url.host.toLowerCase()}:${url.port}`;
}

function distinguished(name: object | undefined): string {
  return Object.entries(name ?? {})
    .map(([key, value]) => `${key}=${String(value)}`)
    .join('; ');
}

/** OpenSSL's words for its own codes, which Node tells in capitals. */
function opensslWords(code: string): string {
  const words: Readonly<Record<string, string>> = {
    DEPTH_ZERO_SELF_SIGNED_CERT: 'self-signed certificate',
    SELF_SIGNED_CERT_IN_CHAIN: 'self-signed certificate in certificate chain',
    UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'unable to get local issuer certificate',
    UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'unable to verify the first certificate',
    CERT_HAS_EXPIRED: 'certificate has expired',
    CERT_NOT_YET_VALID: 'certificate is not yet valid',
  };
  return words[code] ?? code;
}

function certificateWords(problem: string, url: CurlUrl): string {
  if (problem.includes('ERR_TLS_CERT_ALTNAME_INVALID') || problem.startsWith('Hostname/IP does not match')) {
    return `SSL: no alternative certificate subject name matches target host name '${url.host}'`;
  }
  return `SSL certificate problem: ${opensslWords(problem)}`;
}

function tlsWords(error: NodeJS.ErrnoException): string {
  if (error.code === 'ECONNRESET')
    return 'OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to the server';
  const words = /:SSL routines:[^:]*:([^:\n]+)/.exec(error.message)?.[1];
  return `OpenSSL/${process.versions.openssl}: ${words === undefined ? errnoWords(error.code) : `error:SSL routines::${words}`}`;
}
