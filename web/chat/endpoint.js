// endpoint.js: where the server's WebSocket is, seen from where the page is.
//
// The page may lie in any folder of a host, behind a proxy that takes the folder's name off, and server.path may be
// anything. So nothing is taken from the root of the host: beside the page the server answers for `stoa.json`, which
// names the endpoint relative to itself, {"endpoint": "./ws"}. Where there is no such file, the endpoint is the page's
// own folder.
//
// Does not know: sockets.

const FILE = 'stoa.json';

function asWebSocket(url) {
  // Setting `protocol` does nothing for a URL of ws and wss.
  return url.href.replace(/^http/, 'ws');
}

// Resolves with a ws or wss URL. Rejects when the server cannot be reached, or says that it is not there now: the
// answer is worth another attempt.
//
// page  the page's own URL
// ask   fetch(), or what a test puts in its place
export async function findEndpoint(page, ask = fetch) {
  const beside = new URL(FILE, page);
  const answer = await ask(beside.href, { cache: 'no-store' });
  if (answer.status >= 500) {
    throw new Error(`${beside.pathname}: status ${answer.status}`);
  }
  const told = answer.ok ? await answer.json().catch(() => null) : null;
  // A proxy that answers every path with a page of its own has told nothing.
  const endpoint = typeof told?.endpoint === 'string' ? told.endpoint : './';
  return asWebSocket(new URL(endpoint, beside));
}
