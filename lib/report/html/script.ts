/** What the page does with a script: filter, copy, open what a link leads to. Without it, all can be read and printed. */
export const script = `
(() => {
  const root = document.documentElement;
  root.classList.add('js');
  const all = [...document.querySelectorAll('article')];
  const field = (name) => document.getElementById('filter-' + name);
  const fields = ['text', 'severity', 'topic', 'state', 'node'].map(field);
  if (fields.every(Boolean)) {
    const [text, severity, topic, state, node] = fields;
    const words = new Map();
    const has = (article) => {
      if (!words.has(article)) words.set(article, article.textContent.toLowerCase());
      return words.get(article);
    };
    const apply = () => {
      const asked = text.value.trim().toLowerCase();
      let shown = 0;
      for (const article of all) {
        const { s, t, n, st } = article.dataset;
        article.hidden = !(
          (severity.value === '' || s === severity.value) &&
          (topic.value === '' || t.split(' ').includes(topic.value)) &&
          (state.value === '' || st.split(' ').includes(state.value)) &&
          (node.value === '' || n === node.value) &&
          (asked === '' || has(article).includes(asked))
        );
        if (!article.hidden) shown += 1;
      }
      document.getElementById('shown').textContent = shown + ' of ' + all.length + ' shown';
    };
    let waiting;
    document.querySelector('.filter').addEventListener('input', () => {
      clearTimeout(waiting);
      waiting = setTimeout(apply, 100);
    });
    const reset = () => { for (const each of fields) each.value = ''; };
    document.getElementById('reset').addEventListener('click', () => { reset(); apply(); text.focus(); });
    document.querySelector('.map')?.addEventListener('click', (event) => {
      const cell = event.target.closest('a[data-t]');
      if (!cell) return;
      reset();
      node.value = cell.dataset.n;
      topic.value = cell.dataset.t;
      apply();
    });
    const reveal = () => {
      const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
      const article = target && target.closest('article');
      if (!article) return;
      if (article.hidden) { reset(); apply(); }
      article.querySelector('details').open = true;
      target.scrollIntoView();
    };
    addEventListener('hashchange', reveal);
    apply();
    reveal();
  }
  document.addEventListener('click', async (event) => {
    const button = event.target.closest('.copy');
    if (!button) return;
    const command = button.previousElementSibling;
    try {
      await navigator.clipboard.writeText(command.textContent);
      button.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(command);
      button.textContent = 'Selected: press Ctrl+C';
    }
  });
})();
`;
