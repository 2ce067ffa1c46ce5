// frames.ts: what the page draws in which frame. The list of messages comes first, and the rest of the page with a frame
// that has no messages, or that waited for some.

const WAITED_MAX = 6;
// Hidden pages have no frames.
const HIDDEN_MS = 100;

export class Frames {
  private isScheduled = false;
  /** The rest is to be drawn. */
  private isChanged = false;
  private waited = 0;

  /** `rows` puts in messages, or some of them, and returns whether the list has changed. */
  constructor(private readonly rows: () => boolean, private readonly rest: () => void) {}

  changed(): void {
    this.isChanged = true;
    this.again();
  }

  /** Only the list may have changed. */
  again(): void {
    if (!this.isScheduled) {
      this.isScheduled = true;
      const run = () => {
        if (this.isScheduled) {
          this.isScheduled = false;
          cancelAnimationFrame(frame);
          clearTimeout(timer);
          this.draw();
        }
      };
      const frame = requestAnimationFrame(run);
      const timer = setTimeout(run, HIDDEN_MS);
    }
  }

  /** Draw the rest without waiting: what a person does next is meant for it. */
  now(): void {
    this.isChanged = false;
    this.waited = 0;
    this.rest();
  }

  private draw(): void {
    const isBusy = this.rows();
    if (isBusy && this.isChanged && this.waited < WAITED_MAX) {
      this.waited += 1;
      this.again();
    } else if (this.isChanged) {
      this.now();
    }
  }
}
