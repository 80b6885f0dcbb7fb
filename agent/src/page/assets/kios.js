// The kiosk. Everything that it shows came with the page, so it goes on while the office's PC is off; what was answered lies
// in this tablet's storage until the PC has it. Over plain HTTP browsers keep no pages: nobody should reload it meanwhile.

const isi = JSON.parse(document.body.dataset.isi);
const layar = document.getElementById('layar');
const hitung = document.getElementById('hitung');
const sudut = document.getElementById('sudut');

// -- what this tablet keeps ----------------------------------------------------------------------------------------
const memory = {};
function kept(name, otherwise) {
  try { return JSON.parse(localStorage.getItem(`ktg_${name}`)) ?? otherwise; } catch { return memory[name] ?? otherwise; }
}
function keep(name, value) {
  memory[name] = value;
  try { localStorage.setItem(`ktg_${name}`, JSON.stringify(value)); return true; } catch { return false; }
}
let lang = kept('bahasa', 'id');
const kata = (key) => isi.kata[lang][key] ?? key;
const said = (both) => both[lang];

// -- handing over --------------------------------------------------------------------------------------------------
let asking = false;
let unpaired = false;
const waiting = () => kept('antre', []);

function give(form, values) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const id = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const queue = waiting();
  if (queue.length >= isi.simpan) return false;
  queue.push({ id, formulir: form, saat: Date.now(), nilai: values });
  keep('antre', queue);
  shown();
  handOver();
  return true;
}

async function ask(path, message, headers = {}) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), 10000);
  try {
    return await fetch(path, { method: 'POST', body: JSON.stringify(message), headers, signal: stop.signal, cache: 'no-store' });
  } finally {
    clearTimeout(timer);
  }
}

async function handOver() {
  const queue = waiting();
  if (asking || unpaired || !queue.length || !kept('kunci', '')) return;
  asking = true;
  let again = false;
  try {
    const answer = await ask('/serah', { kini: Date.now(), jawaban: queue.slice(0, isi.sekali) }, { 'X-Kios': kept('kunci', '') });
    if (answer.status === 401) {
      unpaired = true;
      pairing();
    } else if (answer.ok) {
      const done = new Set((await answer.json()).selesai);
      // What was answered meanwhile stays.
      keep('antre', waiting().filter((one) => !done.has(one.id)));
      keep('terakhir', Date.now());
      again = done.size > 0;
    }
  } catch {
    // The PC is off, or the network is: it is tried again.
  }
  asking = false;
  shown();
  if (again) handOver();
}

function shown() {
  const count = waiting().length;
  hitung.textContent = count ? `○ ${count}` : '';
}
setInterval(handOver, 5000);

// -- screens -------------------------------------------------------------------------------------------------------
let redraw = start;
let fallback = null;
let ripens = 0;

function made(tag, attributes = {}, ...content) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value !== null) element.setAttribute(name, value);
  }
  element.append(...content.filter((part) => part !== null));
  return element;
}

// Puts another screen there. Its buttons wait a moment: whoever taps twice does not answer what they have not read.
function screen(draw, ...parts) {
  redraw = draw;
  delete layar.dataset.siap;
  clearTimeout(ripens);
  ripens = setTimeout(() => { layar.dataset.siap = '1'; }, 400);
  clearInterval(fallback);
  fallback = null;
  layar.replaceChildren(...parts.filter((part) => part !== null));
  document.documentElement.lang = lang;
  for (const button of document.querySelectorAll('[data-bahasa]')) {
    button.setAttribute('aria-pressed', String(button.dataset.bahasa === lang));
  }
  sudut.setAttribute('aria-label', kata('petugas'));
  layar.focus();
}
const ripe = (act) => () => { if (layar.dataset.siap) act(); };

// Goes back by itself when nobody touches anything, and says so before.
function fallsBack(after, act) {
  const note = made('p', { class: 'redup', role: 'status' });
  layar.append(note);
  let until = Date.now() + after;
  const renew = () => { until = Date.now() + after; };
  layar.onpointerdown = renew;
  layar.onkeydown = renew;
  fallback = setInterval(() => {
    const left = Math.ceil((until - Date.now()) / 1000);
    note.textContent = left <= 15 ? kata('kembali_dalam').replace('{n}', String(Math.max(left, 0))) : '';
    if (left <= 0) act();
  }, 250);
}

function face(value, faces) {
  const mouths = ['M30 72q20-22 40 0', 'M30 68q20-10 40 0', 'M30 62q20 12 40 0', 'M28 58q22 30 44 0'];
  const colors = ['#A30009', '#D87D05', '#5f8f3a', '#1f7a4d'];
  const box = made('span', { class: 'wajah', 'aria-hidden': 'true' });
  for (let count = 0; count < faces; count += 1) {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    svg.setAttribute('viewBox', '0 0 100 100');
    const draw = (tag, attributes) => {
      const part = document.createElementNS('http://www.w3.org/2000/svg', tag);
      for (const [name, to] of Object.entries(attributes)) part.setAttribute(name, to);
      svg.append(part);
    };
    draw('circle', { cx: 50, cy: 50, r: 44, fill: '#fff', stroke: colors[value - 1], 'stroke-width': 7 });
    draw('circle', { cx: 35, cy: 40, r: 6, fill: colors[value - 1] });
    draw('circle', { cx: 65, cy: 40, r: 6, fill: colors[value - 1] });
    draw('path', { d: mouths[value - 1], fill: 'none', stroke: colors[value - 1], 'stroke-width': 7, 'stroke-linecap': 'round' });
    box.append(svg);
  }
  return box;
}

// -- the quick vote ------------------------------------------------------------------------------------------------
let taps = [];

function start() {
  if (!kept('kunci', '') || unpaired) { pairing(); return; }
  const faces = isi.wajah.pilihan.map((choice) => {
    const value = Number(choice.kode);
    return made('button', { type: 'button', class: 'besar', 'data-angka': choice.kode, onclick: ripe(() => vote(choice.kode)) },
      face(value, value === 1 || value === 4 ? 2 : 1), said(choice.label), made('small', {}, choice.kode));
  });
  screen(start, made('h1', {}, kata('tanya')), made('div', { class: 'kisi satu' }, ...faces),
    made('div', { class: 'kaki' }, made('button', { type: 'button', class: 'tombol dua', onclick: ripe(() => survey(0, {})) }, kata('lengkap'))));
}

function vote(value) {
  const now = Date.now();
  const hasty = taps.length > 0 && now - taps[taps.length - 1] < isi.jeda_ms;
  taps = [...taps.filter((tap) => now - tap < 20000), now];
  if (taps.length > 6) { calm(); return; }
  const values = { nilai: value };
  if (hasty) values.terlalu_cepat = 'ya';
  if (Number(value) <= 2) why(values);
  else if (give('suara', values)) thanks();
  else full();
}

// The first touch is kept, whether a second one comes or not.
function why(values) {
  let given = false;
  const done = (more) => {
    if (given) return;
    given = true;
    if (give('suara', { ...values, ...more })) thanks();
    else full();
  };
  const draw = () => {
    const choices = isi.perbaiki.pilihan.map((choice) =>
      made('button', { type: 'button', class: 'besar', onclick: ripe(() => done({ perbaiki: choice.kode })) }, said(choice.label)));
    screen(draw, made('h1', {}, kata('apa')), made('div', { class: 'kisi banyak' }, ...choices),
      made('div', { class: 'kaki' }, made('button', { type: 'button', class: 'tombol dua', onclick: ripe(() => done({})) }, kata('lewati'))));
    fallsBack(isi.kembali_ms, () => done({}));
  };
  draw();
}

// A sentence that is read out as soon as it stands there.
const told = (key) => made('div', { role: 'status' }, made('h1', {}, kata(key)));

function thanks() {
  screen(thanks, told('terima_kasih'),
    made('div', { class: 'kaki' }, made('button', { type: 'button', class: 'tombol dua', onclick: ripe(start) }, kata('berikutnya'))));
  fallback = setInterval(start, 4000);
}

function calm() {
  screen(calm, told('satu_orang'));
  fallback = setInterval(() => { taps = []; start(); }, 5000);
}

function full() {
  screen(full, told('penuh'));
  fallback = setInterval(start, 10000);
}

// -- the whole survey ----------------------------------------------------------------------------------------------
const questions = [...isi.unsur, ...isi.responden];

function survey(at, values) {
  const question = questions[at];
  const end = () => {
    if (!Object.keys(values).length) start();
    else if (give('skm', values)) thanks();
    else full();
  };
  if (!question) { end(); return; }
  const draw = () => survey(at, values);
  const on = (more) => survey(at + 1, { ...values, ...more });
  const parts = [made('p', { class: 'redup' }, `${at + 1} / ${questions.length}`), made('h1', {}, said(question.label))];
  if (question.angka) {
    const input = made('input', { type: 'text', inputmode: 'numeric', maxlength: '3', autocomplete: 'off', 'aria-label': said(question.label), value: values[question.nama] ?? '' });
    const typed = () => on(input.value.trim() ? { [question.nama]: input.value.trim() } : {});
    parts.push(made('form', { onsubmit: (event) => { event.preventDefault(); typed(); } }, input,
      made('button', { class: 'tombol' }, kata('lanjut'))));
  } else {
    parts.push(made('div', { class: question.pilihan.length === 4 ? 'kisi empat' : 'kisi banyak' }, ...question.pilihan.map((choice) =>
      made('button', {
        type: 'button', class: values[question.nama] === choice.kode ? 'besar dipilih' : 'besar', 'data-angka': at < isi.unsur.length ? choice.kode : null,
        onclick: ripe(() => on({ [question.nama]: choice.kode })),
      }, said(choice.label)))));
  }
  parts.push(made('div', { class: 'kaki' },
    made('button', { type: 'button', class: 'tombol dua', onclick: () => (at ? survey(at - 1, values) : start()) }, kata('kembali')),
    made('button', { type: 'button', class: 'tombol dua', onclick: ripe(() => on({})) }, kata('lewati'))));
  screen(draw, ...parts);
  // What was answered so far is kept when somebody walks away.
  fallsBack(isi.kembali_ms * 4, end);
}

// -- pairing, and what the office's people see ---------------------------------------------------------------------
function pairing() {
  const fault = made('p', { class: 'salah', role: 'alert' });
  const code = made('input', { type: 'text', id: 'kode', inputmode: 'numeric', maxlength: '7', autocomplete: 'off', required: '' });
  const name = made('input', { type: 'text', id: 'nama', maxlength: '40', autocomplete: 'off', required: '', value: kept('nama', 'Loket 1') });
  const pair = async (event) => {
    event.preventDefault();
    try {
      const answer = await ask('/pasang', { kode: code.value, nama: name.value });
      if (!answer.ok) { fault.textContent = kata('kode_salah'); return; }
      keep('kunci', (await answer.json()).kunci);
      keep('nama', name.value);
      unpaired = false;
      start();
      handOver();
    } catch {
      fault.textContent = kata('tak_terjangkau');
    }
  };
  screen(pairing, made('h1', {}, kata('pasang')), unpaired ? made('p', {}, kata('dilepas')) : null, made('p', {}, kata('pasang_lalu')),
    made('form', { onsubmit: pair }, made('label', { for: 'kode' }, kata('kode')), code, made('label', { for: 'nama' }, kata('nama')), name, fault,
      made('button', { class: 'tombol' }, kata('pasangkan'))));
  code.focus();
}

function staff() {
  const last = kept('terakhir', 0);
  const when = last ? new Date(last).toLocaleString(lang) : kata('belum_pernah');
  screen(staff, made('h1', {}, kept('nama', '') || kata('petugas')),
    made('p', {}, kata('menunggu').replace('{n}', String(waiting().length)).replace('{max}', String(isi.simpan))),
    made('p', {}, `${kata('terakhir')} ${when}`), made('p', { class: 'redup' }, kata('jangan_muat')),
    made('div', { class: 'kaki' }, made('button', { type: 'button', class: 'tombol', onclick: () => { handOver().then(() => staff()); } }, kata('serahkan')),
      made('button', { type: 'button', class: 'tombol dua', onclick: start }, kata('tutup')),
      made('button', { type: 'button', class: 'tombol dua', onclick: () => leave('') }, kata('keluar'))));
  fallsBack(isi.kembali_ms * 4, start);
}

// The PC says who may leave: an office whose people have no PINs lets everybody go. What waits is handed over before.
async function leave(pin) {
  let said = '';
  try {
    await handOver();
    const answer = await ask('/lepas', { pin }, { 'X-Kios': kept('kunci', '') });
    if (answer.ok || answer.status === 401) {
      keep('kunci', '');
      unpaired = false;
      pairing();
      return;
    }
    if (answer.status === 429) said = kata('pin_tunggu').replace('{n}', String((await answer.json()).tunggu));
    else if (answer.status !== 403) said = kata('tak_terjangkau');
    else if (pin) said = kata('pin_salah');
  } catch {
    said = kata('tak_terjangkau');
  }
  asksPin(said);
}

function asksPin(said) {
  const typed = made('input', { type: 'password', id: 'pin', inputmode: 'numeric', maxlength: '12', autocomplete: 'off', required: '' });
  screen(() => asksPin(''), made('h1', {}, kata('keluar')), made('p', {}, kata('keluar_lalu')),
    made('form', { onsubmit: (event) => { event.preventDefault(); leave(typed.value); } },
      made('label', { for: 'pin' }, kata('pin')), typed, made('p', { class: 'salah', role: 'alert' }, said),
      made('div', { class: 'kaki' }, made('button', { class: 'tombol' }, kata('keluar')),
        made('button', { type: 'button', class: 'tombol dua', onclick: start }, kata('kembali')))));
  typed.focus();
  fallsBack(isi.kembali_ms * 4, start);
}

let held = 0;
const press = () => { held = setTimeout(staff, 3000); };
const release = () => clearTimeout(held);
sudut.addEventListener('pointerdown', press);
for (const what of ['pointerup', 'pointerleave', 'pointercancel']) sudut.addEventListener(what, release);
sudut.addEventListener('contextmenu', (event) => event.preventDefault());
sudut.textContent = '◦';

for (const button of document.querySelectorAll('[data-bahasa]')) {
  button.addEventListener('click', () => { lang = button.dataset.bahasa; keep('bahasa', lang); redraw(); });
}
document.addEventListener('keydown', (event) => {
  if (!event.target.matches?.('input')) document.querySelector(`[data-angka="${event.key}"]`)?.click();
});

shown();
start();
handOver();
