// What curl says of itself: `curl --help` and `curl --version`, of what is here.

/** @param version as `curl --version` names it */
export function about(version: string): string {
  return `curl ${version} (vxlab)\nProtocols: http https\nFeatures: IPv6 SSL\n`;
}

export function help(): string {
  return `Usage: curl [options...] <url>
 -d, --data <data>          HTTP POST data; @- is standard input
 -f, --fail                 Fail fast with no output on HTTP errors
 -H, --header <header>      Pass custom header to server
 -I, --head                 Show document info only
 -i, --include              Include protocol response headers in the output
 -k, --insecure             Allow insecure server connections
 -L, --location             Follow redirects
 -m, --max-time <seconds>   Maximum time allowed for transfer
 -o, --output </dev/null>   Throw the answer away
 -s, --silent               Silent mode
 -u, --user <user:password> Server user and password
 -v, --verbose              Make the operation more talkative
 -w, --write-out <format>   Use output FORMAT after completion
 -X, --request <method>     Specify request method to use
Also: -0 -4 -6 -A -b -e -G -S --connect-timeout --data-binary --data-raw
--data-urlencode --fail-with-body --json --max-redirs --resolve --url
`;
}
