// Where in a document: `networks.mydbnw.ipam.config[0].subnet`. A key with other characters stands in quotes:
// `driver_opts["com.docker.network.driver.mtu"]`.

/** The path of a key below another path. */
export function joinPath(path: string, ...keys: readonly string[]): string {
  let joined = path;
  for (const key of keys) {
    if (!/^[\w-]+$/.test(key)) joined += `["${key}"]`;
    else joined += joined === '' ? key : `.${key}`;
  }
  return joined;
}

/** The last part of a path, as a person would call it. */
export function subject(path: string): string {
  const quoted = /\["([^"]*)"\]$/.exec(path);
  if (quoted !== null) return `"${quoted[1]}"`;
  const item = /([\w-]+|"\])?((?:\[\d+\])+)$/.exec(path);
  if (item !== null) {
    const number = Number(/(\d+)\]$/.exec(item[2] as string)?.[1]) + 1;
    return item[1] === undefined || item[1] === '"]' ? `item ${number}` : `item ${number} of "${item[1]}"`;
  }
  const name = path.slice(path.lastIndexOf('.') + 1);
  return name === '' ? 'the document' : `"${name}"`;
}
