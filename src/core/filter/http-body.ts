// A payload behind TCP that begins with an HTTP message is a layer of its own, `http`, and what follows its headers is data.

import type { Dissection } from '../dissect/layer.ts';
import { L } from '../dissect/layer.ts';
import { readHttp } from '../inspect/http.ts';

/** Where the body of the message starts that payload row `row` begins with, or -1 when that is no HTTP. */
export function httpBodyAt(view: DataView, d: Dissection, row: number): number {
  if (row === 0 || d.kind(row - 1) !== L.tcp) return -1;
  return readHttp(view, d.start(row), d.end(row))?.bodyAt ?? -1;
}
