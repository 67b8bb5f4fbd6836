/**
 * The page's script: filters, copies, and opens the target of a link. The page can be read and printed without it. One
 * function, however long: its parts share the page's elements, and a page of one file has no modules.
 */
export const script = `
(() => {
  document.documentElement.classList.add('js');
  const byId = (id) => document.getElementById(id);
  const names = ['text', 'severity', 'state', 'topic', 'check', 'namespace', 'workload', 'node'];
  const fields = new Map(names.map((name) => [name, byId('filter-' + name)]).filter(([, field]) => field));
  const cards = [...document.querySelectorAll('article')];
  const found = cards.flatMap((card) =>
    [...card.querySelectorAll('tr[id]')].map((row) => {
      const cell = (index) => row.cells[index].textContent;
      return {
        row, card,
        severity: row.dataset.s || card.dataset.s,
        topic: row.dataset.t || card.dataset.t,
        check: row.dataset.c || card.dataset.c,
        workload: cell(1), namespace: cell(2), node: cell(3),
        state: cell(6).split(', '),
      };
    }),
  );

  const has = (finding, name, asked) => {
    const value = finding[name];
    if (Array.isArray(value)) return value.includes(asked);
    return name === 'node' || name === 'workload' ? value.toLowerCase().includes(asked.toLowerCase()) : value === asked;
  };
  const wordsOf = (finding) =>
    (finding.words ??= [
      finding.row.textContent, finding.check,
      finding.card.querySelector('summary').textContent, finding.card.querySelector('.detail').textContent,
    ].join(' ').toLowerCase());
  const asked = () => [...fields].map(([name, field]) => [name, field.value.trim()]).filter(([, value]) => value);
  const apply = () => {
    const wanted = asked();
    const counts = new Map();
    for (const finding of found) {
      const shown = wanted.every(([name, value]) =>
        name === 'text' ? wordsOf(finding).includes(value.toLowerCase()) : has(finding, name, value));
      finding.row.hidden = !shown;
      if (shown) counts.set(finding.card, (counts.get(finding.card) || 0) + 1);
    }
    for (const card of cards) {
      card.hidden = !counts.has(card);
      const rows = card.querySelectorAll('tr[id]').length;
      let hits = card.querySelector('.hits');
      if (!hits) {
        hits = document.createElement('span');
        hits.className = 'hits';
        card.querySelector('.when').append(hits);
      }
      hits.textContent = counts.has(card) && counts.get(card) < rows ? counts.get(card) + ' of ' + rows + ' match' : '';
    }
    for (const objects of document.querySelectorAll('.objects'))
      objects.hidden = !objects.querySelector('tr[id]:not([hidden])');
    // As many as the tiles at the top count, and then those that they do not count.
    const tally = (uncounted, words) => {
      const all = found.filter(({ state }) => uncounted === (state.includes('pending') || state.includes('suppressed')));
      return all.length ? [all.filter(({ row }) => !row.hidden).length + ' of ' + all.length + words] : [];
    };
    byId('shown').textContent = [...tally(false, ' shown'), ...tally(true, ' pending or suppressed')].join('; ');
    for (const tile of document.querySelectorAll('.tile[href*="="]')) {
      const [name, value] = tile.getAttribute('href').slice(1).split('=');
      const on = wanted.length === 1 && fields.get(name)?.value === value;
      if (on) tile.setAttribute('aria-current', 'true');
      else tile.removeAttribute('aria-current');
    }
  };
  const keep = () => {
    const wanted = asked();
    history.replaceState(null, '', wanted.length ? '#' + new URLSearchParams(wanted) : location.pathname + location.search);
  };
  const set = (values) => {
    for (const [name, field] of fields) {
      const value = values[name] || '';
      if (field.tagName === 'SELECT' && value && ![...field.options].some((each) => each.value === value)) field.add(new Option(value));
      field.value = value;
    }
    apply();
  };
  const show = (target) => {
    for (let at = target; at; at = at.parentElement) if (at.tagName === 'DETAILS') at.open = true;
    target.closest('article')?.querySelector('details').setAttribute('open', '');
    target.scrollIntoView({ block: target.tagName === 'TR' ? 'center' : 'start' });
  };

  if (found.length) {
    for (const [name, field] of fields) {
      if (name === 'text') continue;
      const list = field.tagName === 'SELECT' ? field : field.list;
      const order = name === 'severity' ? ['critical', 'high', 'medium', 'low'] : null;
      const values = [...new Set(found.flatMap((finding) => finding[name]))].filter(Boolean);
      values.sort(order ? (a, b) => order.indexOf(a) - order.indexOf(b) : undefined);
      list.append(...values.slice(0, 5000).map((value) => new Option(value, value)));
    }
    let waiting;
    document.querySelector('.filter').addEventListener('input', () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => { apply(); keep(); }, 100);
    });
    byId('reset').addEventListener('click', () => { set({}); keep(); fields.get('text').focus(); });
    document.querySelector('.map')?.addEventListener('click', (event) => {
      const cell = event.target.closest('a[data-t]');
      if (!cell) return;
      event.preventDefault();
      set({ node: cell.dataset.n, topic: cell.dataset.t });
      keep();
      const target = byId(cell.hash.slice(1));
      if (target) show(target);
    });
    const follow = () => {
      const hash = location.hash.slice(1);
      if (hash.includes('=')) {
        set(Object.fromEntries(new URLSearchParams(hash)));
        byId('findings').scrollIntoView();
        return;
      }
      const target = hash && byId(hash);
      if (!target || !target.closest('article')) return;
      if (target.hidden || target.closest('[hidden]')) set({});
      show(target);
    };
    addEventListener('hashchange', follow);
    document.addEventListener('click', (event) => {
      const link = event.target.closest('a[href^="#"]');
      if (link && link.hash === location.hash) follow();
    });
    apply();
    follow();
  }

  const heat = document.querySelector('.heat');
  if (heat) {
    const nodes = heat.dataset.nodes.split('\\n');
    const [size, columns, ...bands] = heat.dataset.layout.split(' ').map(Number);
    const nodeAt = (event) => {
      const svg = event.target.closest('svg');
      if (!svg) return '';
      const box = svg.getBoundingClientRect();
      const scale = svg.viewBox.baseVal.width / box.width;
      const x = Math.floor(((event.clientX - box.left) * scale) / size);
      const y = (event.clientY - box.top) * scale;
      let before = 0;
      for (let band = 0; band < bands.length; band += 2) {
        const row = Math.floor((y - bands[band]) / size);
        const index = row * columns + x;
        if (row >= 0 && x < columns && index < bands[band + 1]) return nodes[before + index];
        before += bands[band + 1];
      }
      return '';
    };
    heat.addEventListener('mousemove', (event) => { heat.title = nodeAt(event); });
    heat.addEventListener('click', (event) => {
      const node = nodeAt(event);
      if (!node) return;
      set({ node, topic: event.target.closest('figure').dataset.t });
      keep();
      byId('findings').scrollIntoView();
    });
  }

  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(?:INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    if (event.key === '/' && fields.get('text')) {
      event.preventDefault();
      fields.get('text').focus();
    }
    if (event.key !== 'j' && event.key !== 'k') return;
    const heads = cards.filter((card) => !card.hidden).map((card) => card.querySelector('summary'));
    const at = heads.findIndex((head) => head.closest('article').contains(document.activeElement));
    const next = heads[event.key === 'j' ? at + 1 : Math.max(0, at - 1)];
    next?.focus();
    next?.scrollIntoView({ block: 'start' });
  });

  const age = byId('age');
  if (age) {
    const hours = (Date.now() - Date.parse(age.previousElementSibling.dateTime)) / 3600000;
    const [count, unit] = hours < 1 ? [hours * 60, 'minute'] : hours < 48 ? [hours, 'hour'] : [hours / 24, 'day'];
    const whole = Math.floor(count);
    if (whole >= 0) age.textContent = '(' + whole + ' ' + unit + (whole === 1 ? '' : 's') + ' ago)';
    if (hours >= 36) age.className = 'old';
  }
  for (const time of document.querySelectorAll('time'))
    time.title = new Date(time.dateTime).toLocaleString() + ' (local time)';

  document.addEventListener('click', async (event) => {
    const button = event.target.closest('.copy');
    if (!button) return;
    const command = button.parentElement.querySelector('code');
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
