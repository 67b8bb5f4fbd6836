/** The filter of the findings; the script fills its choices from the rows of the page. */
const choices = [
  ['severity', 'Severity'],
  ['state', 'State'],
  ['topic', 'Topic'],
  ['check', 'Check'],
  ['namespace', 'Namespace'],
] as const;
const names = [
  ['workload', 'Workload'],
  ['node', 'Node'],
] as const;

/** The bar that filters cards; the page's script fills its choices. */
export function filter(): string {
  const selects = choices.map(
    ([id, label]) =>
      `<label>${label}<select id="filter-${id}"><option value="">all</option></select></label>`,
  );
  const inputs = names.map(
    ([id, label]) =>
      `<label>${label}<input id="filter-${id}" list="all-${id}" autocomplete="off" spellcheck="false">` +
      `<datalist id="all-${id}"></datalist></label>`,
  );
  return `<div class="filter" role="search" aria-label="Filter the findings"><label class="search">Search<input id="filter-text" type="search" autocomplete="off" spellcheck="false" aria-keyshortcuts="/"></label>${selects.join('')}${inputs.join('')}<button type="button" id="reset">Clear</button><span id="shown" role="status"></span><span class="muted keys"><kbd>j</kbd> <kbd>k</kbd> next, previous · <kbd>/</kbd> search</span></div>
`;
}
