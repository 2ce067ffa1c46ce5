// icons.tsx: the page's icons, as paths of 24 units, and the button that has one.
import { type ComponentChildren } from 'preact';

export const PATHS = {
  send: 'M3.4 20.4 21 12 3.4 3.6 3.4 10.100 15 12 3.400 13.900z',
  menu: 'M4 6h16v2H4zm0 5h16v2H4zm0 5h16v2H4z',
  people:
    'M9 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm0 2c-3.300 0-7 1.600-7 4.500V20h14v-1.500C16 15.600 12.300 14 9 14zm7.500-2a3.500 3.500 0 1 0-1.700-6.600 5.900 5.900 0 0 1 0 6.200c.5.300 1.100.4 1.700.4zm1.300 2.300c.8.9 1.200 2 1.200 3.200V20h4v-1.500c0-2.300-2.400-3.700-5.200-4.200z',
  search: 'M10.500 4a6.500 6.500 0 1 0 4 11.600l5 5 1.400-1.400-5-5A6.500 6.500 0 0 0 10.500 4zm0 2a4.500 4.500 0 1 1 0 9 4.500 4.500 0 0 1 0-9z',
  close: 'm6.400 5-1.400 1.400 5.600 5.600-5.600 5.600 1.400 1.400 5.600-5.600 5.600 5.600 1.400-1.400-5.600-5.600 5.600-5.600-1.400-1.400-5.600 5.600z',
  react:
    'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm0 2a7 7 0 1 1 0 14 7 7 0 0 1 0-14zM9 8.500a1.300 1.300 0 1 0 0 2.600 1.300 1.300 0 0 0 0-2.600zm6 0a1.300 1.300 0 1 0 0 2.600 1.300 1.300 0 0 0 0-2.600zM7.500 13a4.600 4.600 0 0 0 9 0z',
  reply: 'M10 9V5l-7 7 7 7v-4.100c5 0 8.500 1.600 11 5.100-1-5-4-10-11-11z',
  edit: 'M4 17.200V20h2.800L17 9.800 14.200 7zM19.700 7.100a1 1 0 0 0 0-1.400l-1.400-1.400a1 1 0 0 0-1.400 0l-1.300 1.300 2.800 2.800z',
  trash: 'M6 19a2 2 0 0 0 2 2h8a2 2 0 0 0 2-2V8H6zM8 10h8v9H8zm7.500-6-1-1h-5l-1 1H5v2h14V4z',
  copy: 'M16 2H5a2 2 0 0 0-2 2v12h2V4h11zm3 4H9a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8a2 2 0 0 0-2-2zm0 14H9V8h10z',
  check: 'm9.500 16.200-4.200-4.200-1.400 1.400 5.600 5.600 11-11-1.400-1.400z',
  clock: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm0 2a7 7 0 1 1 0 14 7 7 0 0 1 0-14zm-1 2v6l4.500 2.700.8-1.300-3.800-2.200V7z',
  alert: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm-1 4h2v7h-2zm0 8.500h2v2h-2z',
  down: 'm6 9.400 6 6 6-6L16.600 8 12 12.600 7.400 8z',
  plus: 'M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z',
  gear:
    'M19.400 13a7.500 7.500 0 0 0 0-2l2.100-1.600-2-3.500-2.500 1a7.300 7.300 0 0 0-1.700-1L15 3.300h-4l-.4 2.600a7.300 7.300 0 0 0-1.700 1l-2.500-1-2 3.500L6.600 11a7.500 7.500 0 0 0 0 2l-2.100 1.600 2 3.500 2.500-1c.5.4 1.100.7 1.700 1l.3 2.600h4l.4-2.600c.6-.3 1.200-.6 1.700-1l2.500 1 2-3.500zM13 15.500a3.500 3.500 0 1 1 0-7 3.500 3.500 0 0 1 0 7z',
} as const;

export type IconName = keyof typeof PATHS;

export const Icon = ({ name }: { name: IconName }) => (
  <svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
    <path d={PATHS[name]} fill="currentColor" />
  </svg>
);

interface IconButtonProps {
  icon: IconName;
  label: string;
  class?: string;
  id?: string;
  isPressed?: boolean;
  isExpanded?: boolean;
  tabIndex?: number;
  children?: ComponentChildren;
  onClick(event: MouseEvent): void;
}

export const IconButton = ({ icon, label, isPressed, isExpanded, children, ...rest }: IconButtonProps) => (
  <button type="button" {...rest} class={`icon-button ${rest.class ?? ''}`} title={label} aria-label={label}
    aria-pressed={isPressed} aria-expanded={isExpanded}>
    <Icon name={icon} />
    {children}
  </button>
);
