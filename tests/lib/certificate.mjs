// certificate.mjs: a certificate that nobody signed but itself, for 127.0.0.1, ::1 and localhost.

import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

// Returns {certificate, key, remove()}: two PEM files, the key for its owner's eyes only.
export async function makeCertificate() {
  const folder = await mkdtemp(join(tmpdir(), 'stoa-tls-'));
  const certificate = join(folder, 'certificate.pem');
  const key = join(folder, 'key.pem');
  await promisify(execFile)('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-keyout', key, '-out', certificate, '-subj', '/CN=localhost',
    '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1',
  ]);
  return { certificate, key, remove: () => rm(folder, { recursive: true, force: true }) };
}
