// What only the pages of an office do by themselves; the rest is in dasar.js. Each works without this file.

const $ = (what, within = document) => within.querySelector(what);
const $$ = (what, within = document) => [...within.querySelectorAll(what)];
const token = $('meta[name=kunci]')?.content ?? '';
const gone = $('#mati');

// -- a form that keeps itself --------------------------------------------------------------------------------------
const form = $('form[data-draf]');
let keep = null;
if (form) {
  const trace = $('[data-jejak]');
  let kept = text();
  let leaving = false;

  function text() {
    const fields = new FormData(form);
    fields.delete('lampiran');
    return new URLSearchParams(fields).toString();
  }

  keep = async (last = false) => {
    const now = text();
    if (leaving || now === kept) return;
    kept = now;
    try {
      const answer = await fetch(form.dataset.draf, {
        method: 'POST', body: now, keepalive: last,
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'X-Token': token },
      });
      if (!answer.ok) throw new Error(answer.status);
      trace.textContent = await answer.text();
      gone.hidden = true;
    } catch {
      // It is tried again with the next turn, whether anything was typed meanwhile or not.
      kept = '';
      trace.textContent = trace.dataset.gagal;
    }
  };

  setInterval(() => keep(), 2000);
  form.addEventListener('focusout', () => keep());
  addEventListener('pagehide', () => keep(true));
  form.addEventListener('submit', (event) => { leaving = !event.defaultPrevented; });
  addEventListener('pageshow', () => { leaving = false; });
  $('[data-unggah]')?.addEventListener('change', () => form.requestSubmit($('button[value=lampirkan]')));
}

// -- the page locks itself when nobody is there ---------------------------------------------------------------------
// All tabs of the browser know of each other's work by what they note beside the page.
const idle = Number($('meta[name=diam]')?.content ?? 0) * 1000;
if (idle) {
  const note = (what) => { try { localStorage.setItem(what, Date.now()); } catch { /* this tab alone, then */ } };
  const noted = (what) => { try { return Number(localStorage.getItem(what)) || 0; } catch { return 0; } };
  let last = Date.now();
  let told = last;
  const lock = async () => {
    await keep?.(true);
    try { await fetch('/keluar', { method: 'POST', headers: { 'X-Token': token } }); } catch { /* it is locked all the same */ }
    location.replace(`/masuk?lanjut=${location.pathname}`);
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
  addEventListener('storage', (event) => { if (event.key === 'ktg_kunci') setTimeout(() => location.reload(), 1000); });
  for (const form of $$('[data-kunci]')) form.addEventListener('submit', () => note('ktg_kunci'));
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
