// dom.ts: makes elements, for what is drawn so often that it must cost no more than its elements do.
import { type IconName, PATHS } from './icons.js';

type Attributes = Readonly<Record<string, string | undefined>>;

/** Attributes that are undefined are left out. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K, attributes: Attributes = {}, ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const name in attributes) {
    const value = attributes[name];
    if (value !== undefined) {
      node.setAttribute(name, value);
    }
  }
  if (children.length) {
    node.append(...children);
  }
  return node;
}

export function makeButton(name: string, attributes: Attributes, ...children: (Node | string)[]): HTMLButtonElement {
  return make('button', { type: 'button', class: name, ...attributes }, ...children);
}

const SVG = 'http://www.w3.org/2000/svg';

function makeSvg(tag: string, attributes: Readonly<Record<string, string>>, ...children: Node[]): SVGElement {
  const node = document.createElementNS(SVG, tag) as SVGElement;
  Object.entries(attributes).forEach(([name, value]) => node.setAttribute(name, value));
  node.append(...children);
  return node;
}

/** The same as the view of that name. */
export const makeIcon = (name: IconName): SVGElement =>
  makeSvg('svg', { class: 'icon', viewBox: '0 0 24 24', width: '20', height: '20', 'aria-hidden': 'true' },
    makeSvg('path', { d: PATHS[name], fill: 'currentColor' }));
