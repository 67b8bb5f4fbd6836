/** Seconds that objects get to settle before they are judged, where nobody says otherwise. */

/** Pods settle within five minutes; what leaks is given fifteen, as CRI-O allows an ADD five. */
export const SETTLE_SECONDS = { pod: 300, orphan: 900 } as const;
