// main.tsx: starts the page.
import { render } from 'preact';

import { App } from './app.js';
import { Model } from './model.js';

const model = new Model();
model.start();
render(<App model={model} />, document.getElementById('app')!);

// What makes the page installable is loaded when everything else is there.
addEventListener('load', () => setTimeout(() => {
  const link = document.createElement('link');
  link.rel = 'manifest';
  link.href = 'manifest.webmanifest';
  document.head.append(link);
}, 3000));
