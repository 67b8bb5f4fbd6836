/** Where the report is to be read. */
export type ReportLinks = {
  /** Of the console; the one line of a mail that may be longer than others. */
  readonly page: string | null;
  readonly command: string;
};
