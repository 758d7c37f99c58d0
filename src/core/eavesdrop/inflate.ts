// What unpacks compressed bodies: this room has no zlib, so whoever makes an eavesdropper hands one in. Node's zlib is one.

/** `gzip`: RFC 1952. `deflate`: RFC 1950, or raw RFC 1951 as some servers send it. */
export type Packing = 'gzip' | 'deflate';

/**
 * Unpacks as much as it can, at most `maxOutput` bytes: of packed bytes that end early, what comes before the end.
 * Never throws.
 * @returns null where not one byte can be unpacked
 */
export type Inflate = (bytes: Uint8Array, maxOutput: number, packing: Packing) => Uint8Array | null;
