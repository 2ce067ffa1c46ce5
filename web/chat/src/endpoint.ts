// endpoint.ts: finds the URL of the server's WebSocket from the URL of the page.
//
// The page may be in any folder of a host, behind a proxy that removes the folder's name, and server.path may be
// anything. So no path starts at the root of the host: next to the page the server has `stoa.json`, which names the
// endpoint relative to itself, {"endpoint": "./ws"}. Where there is no such file, the endpoint is the page's own
// folder.
//
// Does not know: sockets.

const FILE = 'stoa.json';

/** Resolves with a ws or wss URL. Rejects when the server cannot be reached or answers that it is unavailable: then
 *  another attempt may succeed. `page` is the page's own URL. */
export async function findEndpoint(page: string, ask: typeof fetch = fetch): Promise<string> {
  const beside = new URL(FILE, page);
  const answer = await ask(beside.href, { cache: 'no-store' });
  if (answer.status >= 500) {
    throw new Error(`${beside.pathname}: status ${answer.status}`);
  }
  const told = answer.ok ? await answer.json().catch(() => null) : null;
  // A proxy may answer every path with its own page; that is not an answer from the server.
  const endpoint = typeof told?.endpoint === 'string' ? told.endpoint : './';
  // Setting `protocol` has no effect on a ws or wss URL.
  return new URL(endpoint, beside).href.replace(/^http/, 'ws');
}
