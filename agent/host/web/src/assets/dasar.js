// What the pages of both programs do by themselves. Each works without this file: forms post, links lead.

const $ = (what, within = document) => within.querySelector(what);
const $$ = (what, within = document) => [...within.querySelectorAll(what)];

// -- numbers that change by themselves ---------------------------------------------------------------------------
// Short questions instead of an open line: browsers allow six lines to one place, and clerks have more tabs than that.
const live = $$('[data-hidup]');
const gone = $('#mati');
let tag = '';
let misses = 0;

async function refresh() {
  try {
    const headers = { 'X-Part': '1' };
    if (tag) headers['If-None-Match'] = tag;
    const answer = await fetch(location.pathname + location.search, { headers, cache: 'no-store' });
    misses = 0;
    // The page was locked elsewhere, or time has run out: the door comes.
    if (answer.status === 401 || answer.status === 403) location.reload();
    if (answer.status === 200) {
      tag = answer.headers.get('ETag') ?? '';
      const news = new DOMParser().parseFromString(await answer.text(), 'text/html');
      for (const part of live) {
        const fresh = $(`[data-hidup="${part.dataset.hidup}"]`, news);
        // What somebody is about to press or read stays in place until they have left it.
        if (!fresh || part.contains(document.activeElement)) tag = '';
        else part.replaceChildren(...fresh.childNodes);
      }
    }
  } catch {
    misses += 1;
  }
  gone.hidden = misses < 2;
}

if (live.length) {
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

// What cannot be undone is asked once more.
document.addEventListener('submit', (event) => {
  const sure = event.submitter?.dataset.yakin;
  if (sure && !confirm(sure)) event.preventDefault();
}, true);

// The choice that is made stands out, also where the style sheet cannot see it.
function mark() {
  for (const label of $$('.pilihan label')) label.classList.toggle('terpilih', $('input', label).checked);
}
document.addEventListener('change', mark);
mark();

$('[data-ringkas]')?.focus();
for (const button of $$('[data-cetak]')) {
  button.hidden = false;
  button.addEventListener('click', () => print());
}
