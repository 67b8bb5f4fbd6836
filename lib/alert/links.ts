/** Where the report is to be read. */
export type Links = {
  /** Of the console; the one line of a mail that may be longer than others. */
  readonly page: string | null;
  readonly command: string;
};
