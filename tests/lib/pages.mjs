// pages.mjs: serves one folder as another origin would, with nothing but Node.

import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

// Returns {origin, close()} of a server that answers every path with the first client's page.
export async function serveFirstClient() {
  const page = await readFile(fileURLToPath(new URL('../../examples/first-client/index.html', import.meta.url)));
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(page);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }),
  };
}
