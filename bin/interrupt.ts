import { EXIT } from './exit.ts';

export type Interrupt = {
  readonly signal: AbortSignal;
  /** From here on, a signal ends the program at once again. */
  readonly end: () => void;
};

/** Ctrl-C and SIGTERM give a run time to remove its pods; a second one ends the program at once. */
export function onInterrupt(say: (text: string) => void): Interrupt {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    say('Interrupted: removing the probe pods (once more to leave at once).');
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  return {
    signal: controller.signal,
    end: () => {
      process.off('SIGINT', stop);
      process.off('SIGTERM', stop);
    },
  };
}
