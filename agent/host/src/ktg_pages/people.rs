//! What concerns the people at the office.

use super::Page;
use crate::exit::Exit;

pub(super) static PIN_WRONG: Page = Page {
    exit: Exit::Refused,
    sentence: ["PIN atau jawaban itu salah.", "That PIN or answer is wrong."],
    next_step: [
        "Coba lagi; bila lupa, minta penanggung jawab atau petugas TI, atau telepon operator pusat.",
        "Try again; if it is forgotten, ask the duty manager or IT staff, or telephone the hub's operator.",
    ],
    explanation: [
        "Tiga kali salah tidak berakibat apa-apa; sesudah itu tiap kesalahan menambah waktu tunggu.\n\
         Yang sudah disimpan tetap aman dan tetap dikirim ke pusat, juga bila tidak ada yang masuk.",
        "Three wrong ones cost nothing; after that each makes the next wait longer.\n\
         What is saved stays safe and goes on to the hub, even if nobody is logged in.",
    ],
};

pub(super) static ROLE: Page = Page {
    exit: Exit::Refused,
    sentence: ["Peran Anda tidak mencakup pekerjaan ini.", "Your role does not include this."],
    next_step: ["Minta penanggung jawab kantor melakukannya.", "Ask the office's duty manager to do it."],
    explanation: [
        "Petugas mengisi, mengubah, dan mencetak. Penanggung jawab juga menyelesaikan bentrok\n\
         dan mengatur orang-orang di kantor ini.",
        "Clerks enter, edit and print. The duty manager also settles conflicts\n\
         and looks after the people of the office.",
    ],
};

pub(super) static PIN_LOCKED: Page = Page {
    exit: Exit::Refused,
    sentence: ["Terlalu banyak PIN yang salah; tunggu sebentar.", "Too many wrong PINs; wait a while."],
    next_step: [
        "Tunggu selama yang disebut, lalu coba lagi; bila lupa, minta PIN baru.",
        "Wait as long as is said, then try again; if it is forgotten, ask for a new one.",
    ],
    explanation: [
        "Waktu tunggu mulai dari 30 detik dan paling lama 30 menit, hanya untuk orang itu.\n\
         PIN baru dari penanggung jawab, petugas TI, atau operator pusat mengakhiri waktu tunggu.",
        "The wait begins with 30 seconds, is 30 minutes at most, and is for that person alone.\n\
         A new PIN from the duty manager, IT staff or the hub's operator ends it.",
    ],
};
