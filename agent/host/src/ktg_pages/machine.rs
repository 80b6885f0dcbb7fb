//! 2xx: this computer. 3xx: records.

use super::Page;
use crate::exit::Exit;

pub(super) static NO_SPACE: Page = Page {
    exit: Exit::NoSpace,
    sentence: ["Ruang di disk hampir atau sudah habis.", "The disk is full or nearly full."],
    next_step: [
        "Kosongkan ruang di disk tempat folder data berada (perintah `paths`).",
        "Free space on the disk that holds the data folder (command `paths`).",
    ],
    explanation: [
        "Yang sudah tersimpan tetap aman. Isian baru ditolak dengan jujur daripada tersimpan setengah.\n\
         Begitu ada ruang, pekerjaan berjalan lagi tanpa perlu memulai ulang.",
        "What is saved stays safe. New entries are refused honestly rather than half saved.\n\
         As soon as there is space, work goes on without a restart.",
    ],
};

pub(super) static STORE_REPAIRED: Page = Page {
    exit: Exit::Done,
    sentence: [
        "Penyimpanan sempat rusak atau tidak lengkap dan sudah dipulihkan.",
        "The store was damaged or incomplete and has been repaired.",
    ],
    next_step: [
        "Beri tahu petugas TI bila ini berulang: disk atau listriknya perlu diperiksa.",
        "Tell IT if this happens again: the disk or the power supply needs a look.",
    ],
    explanation: [
        "Berkas yang rusak tidak dihapus; ia disimpan di sampingnya, dalam folder store.damaged-<waktu>.\n\
         Semua yang masih terbaca diteruskan. Yang tidak terbaca di sini, tetapi sudah sampai di pusat, dikembalikan\n\
         dari sana. Perubahan sesudah satu yang hilang menunggu jawaban pusat; bila pusat pun tidak memilikinya, ia\n\
         dicatat lagi dengan kode tanda terima dan isi yang sama.",
        "The damaged files are not deleted; they are kept beside the store, in a folder store.damaged-<time>.\n\
         Everything that is still readable goes on. What is unreadable here and has arrived at the hub is given back\n\
         from there. Changes after one that is lost wait for the hub's answer; if the hub does not have it either,\n\
         they are entered again with the same receipt code and values.",
    ],
};

pub(super) static CLOCK: Page = Page {
    exit: Exit::Clock,
    sentence: ["Jam komputer ini salah.", "The clock of this computer is wrong."],
    next_step: [
        "Betulkan tanggal dan jam komputer; ganti baterai papan induk bila jam salah lagi sesudah dimatikan.",
        "Set the computer's date and time; change the mainboard battery if it is wrong again after power-off.",
    ],
    explanation: [
        "Jam yang salah tidak menghalangi isian atau pengiriman.\n\
         Waktu pada catatan dikoreksi dengan waktu pusat dan ditandai seberapa pasti.",
        "A wrong clock blocks neither entry nor sending.\n\
         Times on records are corrected by the hub's time and marked with how certain they are.",
    ],
};

pub(super) static PERMISSION: Page = Page {
    exit: Exit::Unknown,
    sentence: [
        "Tidak ada izin untuk membaca atau menulis berkas yang diperlukan.",
        "There is no permission to read or write a file that is needed.",
    ],
    next_step: [
        "Jalankan sebagai pengguna yang memiliki folder data, atau betulkan pemiliknya (perintah `paths`).",
        "Run as the user who owns the data folder, or correct its owner (command `paths`).",
    ],
    explanation: [
        "Folder data hanya boleh dibaca oleh pengguna layanan, karena berisi kunci dan data warga.\n\
         Perintah yang dijalankan sebagai pengguna lain mendapat kode ini.",
        "The data folder is for the service's user alone, because it holds keys and people's data.\n\
         Commands run as another user get this code.",
    ],
};

pub(super) static STORE_IN_USE: Page = Page {
    exit: Exit::StoreInUse,
    sentence: ["Folder data ini sedang dipakai oleh proses lain.", "This data folder is in use by another process."],
    next_step: [
        "Hentikan proses itu lebih dulu, atau pakai folder lain dengan --data.",
        "Stop that process first, or use another folder with --data.",
    ],
    explanation: [
        "Satu folder data dijaga oleh satu proses, agar dua proses tidak saling menimpa.\n\
         Kunci ini lepas sendiri bila prosesnya berakhir, juga bila ia mati mendadak.",
        "One data folder is held by one process, so that two cannot overwrite each other.\n\
         The lock is released when its process ends, even when it is killed.",
    ],
};

pub(super) static STORE_DAMAGED: Page = Page {
    exit: Exit::StoreDamaged,
    sentence: ["Tempat penyimpanan rusak.", "The store is damaged."],
    next_step: [
        "Jangan hapus apa pun. Hubungi petugas TI (perintah `doctor`).",
        "Do not delete anything. Call IT (command `doctor`).",
    ],
    explanation: [
        "Listrik yang padam mendadak atau disk yang menua dapat merusak berkas.\n\
         Program tidak pernah menghapus berkas yang rusak; ia menyimpannya untuk diselamatkan.",
        "Sudden power cuts or an ageing disk can damage files.\n\
         The program never deletes a damaged file; it keeps it so that it can be rescued.",
    ],
};

pub(super) static DISK_FAILED: Page = Page {
    exit: Exit::Failed,
    sentence: ["Disk komputer ini gagal membaca atau menulis.", "The disk of this computer failed to read or write."],
    next_step: [
        "Ulangi isian yang ditolak. Bila berulang, minta petugas TI memeriksa disk dan kabelnya sebelum dipakai lagi.",
        "Enter again what was refused. If it comes back, have IT look at the disk and its cable before going on.",
    ],
    explanation: [
        "Yang ditolak belum tersimpan; yang sudah dinyatakan tersimpan tetap aman.\n\
         Program tidak mencoba lagi dengan disk yang baru saja gagal: layanan berhenti, dan saat mulai lagi ia memeriksa\n\
         apa yang benar-benar ada di disk.",
        "What was refused is not saved; what was said to be saved stays safe.\n\
         The program does not trust a disk that has just failed: the service ends, and when it starts again it looks at\n\
         what is really on the disk.",
    ],
};

pub(super) static STORE_NEWER: Page = Page {
    exit: Exit::Version,
    sentence: [
        "Tempat penyimpanan ini ditulis oleh program yang lebih baru atau oleh program lain.",
        "This store was written by a newer program, or by another one.",
    ],
    next_step: [
        "Pasang lagi versi yang lebih baru, atau periksa apakah --data menunjuk folder yang benar.",
        "Install the newer version again, or check that --data names the right folder.",
    ],
    explanation: [
        "Program lama tidak menyentuh berkas yang tidak ia pahami, supaya tidak ada yang hilang.\n\
         Salinan sebelum pembaruan ada di samping berkas itu.",
        "An old program does not touch a file that it does not understand, so that nothing is lost.\n\
         A copy from before the update lies beside the file.",
    ],
};

pub(super) static BACKUP_STALE: Page = Page {
    exit: Exit::Failed,
    sentence: [
        "Cadangan pusat yang sudah diperiksa tidak ada atau sudah terlalu lama.",
        "There is no verified backup of the hub, or it is too old.",
    ],
    next_step: [
        "Jalankan kentongan-hub backup run, dan baca sebabnya di kentongan-hub logs bila gagal.",
        "Run kentongan-hub backup run, and read the reason in kentongan-hub logs if it fails.",
    ],
    explanation: [
        "Selama cadangan tidak bertambah, catatan kantor tetap \"Sampai di pusat\" dan belum \"Aman\".\n\
         Kantor menyimpan semuanya, jadi belum ada yang hilang; tetapi jangan dibiarkan.",
        "While there is no new backup, records of offices stay \"Arrived at hub\" and do not become \"Secured\".\n\
         Offices keep everything, so nothing is lost yet; but do not leave it at that.",
    ],
};

pub(super) static BACKUP_DAMAGED: Page = Page {
    exit: Exit::StoreDamaged,
    sentence: ["Cadangan ini tidak utuh.", "This backup is not whole."],
    next_step: [
        "Jangan hapus apa pun. Pakai cadangan lain (kentongan-hub backup list) dan periksa disknya.",
        "Do not delete anything. Use another backup (kentongan-hub backup list) and check the disk.",
    ],
    explanation: [
        "Setiap berkas cadangan dibandingkan dengan sidiknya, lalu seluruh rantai catatan dihitung ulang.\n\
         Cadangan yang tidak utuh tidak dipulihkan dan tidak membuat catatan disebut Aman.",
        "Every file of a backup is compared with its hash, then every chain of changes is computed anew.\n\
         A backup that is not whole is not restored and makes no record Secured.",
    ],
};

pub(super) static HUB_FORGOT: Page = Page {
    exit: Exit::Failed,
    sentence: [
        "Pusat dipulihkan dari salinan yang lebih lama daripada yang pernah dijaminnya.",
        "The hub was restored from an older copy than it had vouched for.",
    ],
    next_step: [
        "Biarkan komputer ini tersambung: ia mengirim ulang semua miliknya. Beri tahu pengelola pusat.",
        "Leave this computer connected: it offers again all that it holds. Tell the operators of the hub.",
    ],
    explanation: [
        "Catatan yang ditulis di komputer ini tidak pernah dihapus dari sini, jadi semuanya dapat dikirim ulang.\n\
         Isian survei dari komputer lain yang sudah lama Aman mungkin tidak disimpan lagi di sini.",
        "What was written on this computer is never removed from it, so all of it can be offered again.\n\
         Survey answers of other computers that were Secured long ago may no longer be kept here.",
    ],
};

pub(super) static UPDATE_REFUSED: Page = Page {
    exit: Exit::Refused,
    sentence: ["Pemutakhiran ini tidak dipasang.", "This update is not installed."],
    next_step: [
        "Ambil lagi berkasnya dari penerbit, yang untuk komputer jenis ini, dan cocokkan update.keys di agent.toml.",
        "Get the file from the publisher again, the one for this kind of PC, and compare update.keys in agent.toml.",
    ],
    explanation: [
        "Yang dipasang hanya yang ditandatangani penerbit, untuk komputer jenis ini, dan tidak berubah di jalan.\n\
         Kuncinya ada di komputer ini; pusat maupun pembawa berkas tidak bisa menggantinya. Program lama terus bekerja.",
        "Only what the publisher signed is installed, for this kind of PC, and unchanged on its way.\n\
         The key lies on this PC; neither the hub nor who carries the file can change it. The old program goes on.",
    ],
};

pub(super) static UPDATE_GIVEN_UP: Page = Page {
    exit: Exit::Failed,
    sentence: [
        "Pemutakhiran tidak jalan di komputer ini; program sebelumnya dipakai lagi.",
        "An update did not do on this PC; the program before it is used again.",
    ],
    next_step: [
        "Tidak ada yang hilang. Tunggu versi berikutnya; sebabnya ada di kentongan-agent update check.",
        "Nothing is lost. Wait for the next version; kentongan-agent update check says why.",
    ],
    explanation: [
        "Program baru dimulai dua kali dan tidak pernah siap, atau berkasnya tidak utuh lagi.\n\
         Versi itu tidak dicoba lagi, kecuali seseorang memintanya dengan kentongan-agent update apply.",
        "The new program was started twice and was never ready, or its file is not whole any more.\n\
         That version is not tried again, unless somebody asks for it by kentongan-agent update apply.",
    ],
};

pub(super) static UNKNOWN_FORM: Page = Page {
    exit: Exit::SomeRefused,
    sentence: ["Jenis formulir ini tidak dikenal di sini.", "This form is not known here."],
    next_step: [
        "Perbarui program atau formulirnya, lalu coba lagi.",
        "Update the program or its forms, then try again.",
    ],
    explanation: [
        "Catatan itu tetap disimpan dan tidak menahan catatan lain.\n\
         Ia dinilai lagi begitu formulirnya dikenal.",
        "The record is still stored and does not hold up others.\n\
         It is judged again as soon as its form is known.",
    ],
};

pub(super) static INVALID_FIELD: Page = Page {
    exit: Exit::SomeRefused,
    sentence: [
        "Satu isian tidak sesuai dengan aturan formulirnya.",
        "A field holds something that its form does not allow.",
    ],
    next_step: ["Perbaiki isian yang disebut, lalu simpan lagi.", "Correct the field that is named, then save again."],
    explanation: [
        "Pesan menyebut isian dan sebabnya, misalnya nomor yang terlalu pendek.\n\
         Baris lain dalam berkas yang sama tetap diterima.",
        "The message names the field and the reason, for example a number that is too short.\n\
         Other rows of the same file are taken all the same.",
    ],
};

pub(super) static TOO_LARGE: Page = Page {
    exit: Exit::SomeRefused,
    sentence: ["Catatan atau berkas terlalu besar.", "The record or file is too large."],
    next_step: [
        "Pendekkan teksnya atau bagi berkasnya, lalu coba lagi.",
        "Shorten the text or split the file, then try again.",
    ],
    explanation: [
        "Batas ukuran menjaga agar satu catatan tidak menahan jalur yang lambat bagi yang lain.\n\
         Pesan menyebut batasnya.",
        "Limits keep one record from holding a slow link against all others.\n\
         The message names the limit.",
    ],
};

pub(super) static UNFIT_FILE: Page = Page {
    exit: Exit::SomeRefused,
    sentence: ["Berkas ini tidak dapat dilampirkan.", "This file cannot be attached."],
    next_step: [
        "Lampirkan foto (JPEG, PNG, WebP) atau PDF; potret atau pindai lagi bila berkasnya rusak.",
        "Attach a photo (JPEG, PNG, WebP) or a PDF; take or scan it again if the file is damaged.",
    ],
    explanation: [
        "Yang menentukan isi berkas, bukan namanya: program, halaman web, atau dokumen kantor tidak diterima,\n\
         juga bila namanya berakhiran .jpg. Foto diperkecil dan ditulis ulang; tempat dan alat pemotretan dihapus.\n\
         Catatan yang lain tidak terpengaruh.",
        "What counts is what the file holds, not its name: programs, web pages and office documents are not taken,\n\
         even if their name ends in .jpg. Photos are made smaller and written anew; where and by what they were taken\n\
         is removed. Nothing else of the record is affected.",
    ],
};
