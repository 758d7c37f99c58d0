// How a transfer of curl's ends badly: its exit codes (libcurl-errors(3)) and the sentence that stands behind `curl: (7)`.

export const CURL = {
  ok: 0,
  unsupportedProtocol: 1,
  /** The command line; libcurl's "failed init" has the same number. */
  usage: 2,
  badUrl: 3,
  noSuchHost: 6,
  noConnection: 7,
  weirdReply: 8,
  partial: 18,
  httpError: 22,
  writeError: 23,
  readError: 26,
  timedOut: 28,
  tls: 35,
  tooManyRedirects: 47,
  emptyReply: 52,
  sendError: 55,
  receiveError: 56,
  certificate: 60,
} as const;

export class CurlFailure extends Error {
  override readonly name = 'CurlFailure';
  readonly exit: number;
  /** Lines behind the sentence, as certificate errors have. */
  readonly more: string;

  constructor(exit: number, message: string, more: string = '') {
    super(message);
    this.exit = exit;
    this.more = more;
  }
}
