/** Where to read the report. */
export type ReportLinks = {
  /** Link to the console; the only line of a mail that may be longer than others. */
  readonly page: string | null;
  readonly command: string;
};
