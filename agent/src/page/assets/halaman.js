// What the pages do by themselves. Each works without this file: forms post, links lead.

const $ = (what, within = document) => within.querySelector(what);
const $$ = (what, within = document) => [...within.querySelectorAll(what)];
const token = $('meta[name=kunci]')?.content ?? '';

// -- numbers that change by themselves ---------------------------------------------------------------------------
// Short questions instead of an open line: browsers allow six lines to one place, and clerks have more tabs than that.
const live = $('[data-hidup]');
const gone = $('#mati');
let tag = '';
let misses = 0;

async function refresh() {
  try {
    const headers = { 'X-Part': '1' };
    if (tag) headers['If-None-Match'] = tag;
    const answer = await fetch(location.pathname, { headers, cache: 'no-store' });
    misses = 0;
    if (answer.status === 200) {
      tag = answer.headers.get('ETag') ?? '';
      const text = await answer.text();
      // What somebody is about to press or read stays in place until they have left it.
      if (!live.contains(document.activeElement)) live.innerHTML = text;
      else tag = '';
    }
  } catch {
    misses += 1;
  }
  gone.hidden = misses < 2;
}

if (live) {
  setInterval(() => { if (!document.hidden) refresh(); }, 3000);
  document.addEventListener('visibilitychange', () => { if (!document.hidden) refresh(); });
}

// -- the keyboard --------------------------------------------------------------------------------------------------
document.addEventListener('keydown', (event) => {
  const typing = event.target.matches?.('input, textarea, select');
  if (event.key === 'F1') {
    event.preventDefault();
    $('[data-f1]')?.click();
  } else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    const main = $('[data-utama]');
    if (main) { event.preventDefault(); main.click(); }
  } else if (event.key === '/' && !typing && !event.ctrlKey && !event.altKey) {
    const search = $('[data-cari]');
    if (search) { event.preventDefault(); search.focus(); }
  } else if (event.key === 'Escape' && !typing) {
    $('[data-kembali]')?.click();
  }
});
