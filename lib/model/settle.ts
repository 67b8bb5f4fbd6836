/** Default settle times in seconds: objects younger than this are not judged. */

/** Five minutes for pods; fifteen for leaks, as CRI-O allows an ADD five. */
export const SETTLE_SECONDS = { pod: 300, orphan: 900 } as const;
