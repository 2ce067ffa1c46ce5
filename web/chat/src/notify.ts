// notify.ts: notifications of the browser and a sound, for messages that nobody sees. Off until a person turns them on.
import { type ChatMessage, type Room } from '@stoa/client/chat';

import { type Model } from './model.js';
import { store, stored } from './stored.js';

export type Notify = 'off' | 'mentions' | 'all';

export const notifySetting = (): Notify => (stored('notify') || 'off') as Notify;

/** Only a click may ask for the permission. Resolves with whether the browser allows it. */
export async function setNotify(wanted: Notify): Promise<boolean> {
  const isAllowed = wanted === 'off' || ('Notification' in window && (await Notification.requestPermission()) === 'granted');
  store('notify', isAllowed && wanted !== 'off' ? wanted : '');
  return isAllowed;
}

export const hasSound = (): boolean => stored('sound') === 'on';
export const setSound = (isOn: boolean): void => store('sound', isOn ? 'on' : '');

const SOUND_S = 0.18;

export function playSound(): void {
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  const volume = audio.createGain();
  tone.frequency.value = 660;
  volume.gain.setValueAtTime(0.08, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.0001, audio.currentTime + SOUND_S);
  tone.connect(volume).connect(audio.destination);
  tone.onended = () => audio.close();
  tone.start();
  tone.stop(audio.currentTime + SOUND_S);
}

const TEXT_CHARS = 200;

export function notify(model: Model, room: Room, message: ChatMessage, isMentioned: boolean): void {
  const setting = notifySetting();
  if (setting === 'off' || (setting === 'mentions' && !isMentioned) || (!document.hidden && document.hasFocus())) {
    return;
  }
  if (hasSound()) {
    playSound();
  }
  try {
    const body = message.message.slice(0, TEXT_CHARS);
    const shown = new Notification(`${message.sender} · #${room.name}`, { body, tag: room.name, silent: true });
    shown.onclick = () => {
      window.focus();
      model.open(room.name);
      shown.close();
    };
  } catch {
    // Phones have notifications of service workers only.
  }
}
