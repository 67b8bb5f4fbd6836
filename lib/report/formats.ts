/** Names of report formats; apart from the writers, so that `--help` loads none of them. */
export const formats = ['text', 'json', 'ndjson', 'markdown', 'html', 'junit', 'prometheus'] as const;
export type Format = (typeof formats)[number];
