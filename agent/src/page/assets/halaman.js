// What only the pages of an office do by themselves; the rest is in dasar.js. Each works without this file.

const $ = (what, within = document) => within.querySelector(what);
const $$ = (what, within = document) => [...within.querySelectorAll(what)];
const token = $('meta[name=kunci]')?.content ?? '';
const gone = $('#mati');

// What stands in a form, as it would be sent without its files.
function written(form) {
  const fields = new FormData(form);
  fields.delete('lampiran');
  return new URLSearchParams(fields).toString();
}

let leaving = false;
addEventListener('pageshow', () => { leaving = false; });

// -- a form that keeps itself --------------------------------------------------------------------------------------
const form = $('form[data-draf]');
let settle = null;
if (form) {
  const trace = $('[data-jejak]');
  let kept = written(form);
  let under = null;

  const keep = async (last = false) => {
    const now = written(form);
    if (leaving || now === kept) return;
    try {
      const answer = await fetch(form.dataset.draf, {
        method: 'POST', body: now, keepalive: last,
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'X-Token': token },
      });
      if (!answer.ok) throw new Error(answer.status);
      kept = now;
      trace.textContent = await answer.text();
      gone.hidden = true;
    } catch {
      // It is tried again with the next turn.
      trace.textContent = trace.dataset.gagal;
    }
  };
  // One after the other, so that an older draft never comes behind a newer one.
  const turn = () => { under ??= keep().finally(() => { under = null; }); return under; };
  // What is on its way has come, and what was typed since.
  settle = async () => { await under; await turn(); };

  setInterval(turn, 2000);
  form.addEventListener('focusout', turn);
  // A page that goes away drops what it was sending, so all of it is sent once more in a way that outlives the page.
  addEventListener('pagehide', () => keep(true));
  form.addEventListener('submit', (event) => { leaving = !event.defaultPrevented; });
  $('[data-unggah]')?.addEventListener('change', () => form.requestSubmit($('button[value=lampirkan]')));
}

// -- a form that does not ------------------------------------------------------------------------------------------
// Whoever leaves it with something in it is asked; a page that locks itself sends it with the word that it is only to be kept.
const loose = $$('form[data-titip]').map((form) => ({ form, first: form.dataset.titip ? null : written(form) }));
const unsent = () => loose.find(({ form, first }) => written(form) !== first)?.form;
for (const { form } of loose) form.addEventListener('submit', (event) => { leaving = !event.defaultPrevented; });
addEventListener('beforeunload', (event) => {
  if (leaving || !unsent()) return;
  event.preventDefault();
  event.returnValue = '';
});
function entrust(form) {
  const mark = document.createElement('input');
  Object.assign(mark, { type: 'hidden', name: '_titip', value: '1' });
  form.append(mark);
  leaving = true;
  form.submit();
}

// -- the page locks itself when nobody is there ---------------------------------------------------------------------
// All tabs of the browser know of each other's work by what they note beside the page.
const idle = Number($('meta[name=diam]')?.content ?? 0) * 1000;
if (idle) {
  const note = (what) => { try { localStorage.setItem(what, Date.now()); } catch { /* this tab alone, then */ } };
  const noted = (what) => { try { return Number(localStorage.getItem(what)) || 0; } catch { return 0; } };
  let last = Date.now();
  let told = last;
  let isLocking = false;
  const away = (go) => { const form = unsent(); if (form) entrust(form); else go(); };
  const lock = async () => {
    if (isLocking) return;
    isLocking = true;
    await settle?.();
    try { await fetch('/keluar', { method: 'POST', headers: { 'X-Token': token } }); } catch { /* it is locked all the same */ }
    away(() => location.replace(`/masuk?lanjut=${location.pathname}`));
  };
  const active = () => {
    const now = Date.now();
    if (now - last > 1000) note('ktg_ada');
    last = now;
    // Whoever reads or types is there, although nothing is asked for.
    if (now - told > idle / 4) { told = now; fetch('/masih', { method: 'POST', headers: { 'X-Token': token } }).catch(() => {}); }
  };
  for (const what of ['keydown', 'pointerdown', 'pointermove', 'wheel']) addEventListener(what, active, { passive: true });
  const watch = () => { if (Date.now() - Math.max(last, noted('ktg_ada')) >= idle) lock(); };
  setInterval(watch, Math.min(idle / 4, 5000));
  document.addEventListener('visibilitychange', () => { if (!document.hidden) watch(); });
  note('ktg_ada');
  addEventListener('storage', (event) => { if (event.key === 'ktg_kunci') setTimeout(() => away(() => location.reload()), 1000); });
  for (const form of $$('[data-kunci]')) {
    form.addEventListener('submit', (event) => {
      note('ktg_kunci');
      if (unsent()) { event.preventDefault(); lock(); }
    });
  }
}
$('[data-pintu]') && $($('[data-pintu] :checked') ? '#pin' : '[name=orang]')?.focus();

// Questions that make sense only with a certain answer to another one.
for (const question of $$('[data-bila]')) {
  const [name, codes] = question.dataset.bila.split('=');
  const show = () => {
    const asked = $(`[name="${name}"]`);
    const value = asked?.type === 'radio' ? $(`[name="${name}"]:checked`)?.value : asked?.value;
    question.hidden = !codes.split(',').includes(value);
  };
  for (const asked of $$(`[name="${name}"]`)) asked.addEventListener('change', show);
  show();
}

for (const long of $$('textarea[data-hitung]')) {
  const count = document.createElement('div');
  count.className = 'hitung';
  long.after(count);
  const show = () => { count.textContent = `${[...long.value].length.toLocaleString(document.documentElement.lang)} / ${long.maxLength.toLocaleString(document.documentElement.lang)}`; };
  long.addEventListener('input', show);
  show();
}
