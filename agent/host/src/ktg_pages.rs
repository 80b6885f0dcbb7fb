//! The texts behind the codes, Indonesian first.
//!
//! A sentence says what happened, in words for the person at the counter. The next step is for the person who can do
//! something. The explanation is what `help KTG-nnn` adds: what it means for the records, and how it comes about.

use crate::exit::Exit;
use crate::ktg::Ktg;

/// Everything there is to say about one code; each pair is Indonesian, English.
pub(crate) struct Page {
    pub(crate) exit: Exit,
    pub(crate) sentence: [&'static str; 2],
    pub(crate) next_step: [&'static str; 2],
    pub(crate) explanation: [&'static str; 2],
}

/// The page of a code. The match is complete by construction: a code without a page does not compile.
pub(crate) fn page(ktg: Ktg) -> &'static Page {
    match ktg {
        Ktg::NoNetwork => &NO_NETWORK,
        Ktg::Dns => &DNS,
        Ktg::Proxy => &PROXY,
        Ktg::WrongCertificate => &WRONG_CERTIFICATE,
        Ktg::Revoked => &REVOKED,
        Ktg::HubBusy => &HUB_BUSY,
        Ktg::Version => &VERSION,
        Ktg::TwinIdentity => &TWIN_IDENTITY,
        Ktg::NotTheHub => &NOT_THE_HUB,
        Ktg::DeviceExpired => &DEVICE_EXPIRED,
        Ktg::HubExpired => &HUB_EXPIRED,
        Ktg::Unreachable => &UNREACHABLE,
        Ktg::Cut => &CUT,
        Ktg::CodeRefused => &CODE_REFUSED,
        Ktg::NoSpace => &NO_SPACE,
        Ktg::StoreRepaired => &STORE_REPAIRED,
        Ktg::Clock => &CLOCK,
        Ktg::Permission => &PERMISSION,
        Ktg::StoreInUse => &STORE_IN_USE,
        Ktg::StoreDamaged => &STORE_DAMAGED,
        Ktg::StoreNewer => &STORE_NEWER,
        Ktg::UnknownForm => &UNKNOWN_FORM,
        Ktg::InvalidField => &INVALID_FIELD,
        Ktg::TooLarge => &TOO_LARGE,
    }
}

static NO_NETWORK: Page = Page {
    exit: Exit::Unreachable,
    sentence: ["Komputer ini tidak tersambung ke jaringan.", "This computer is not connected to any network."],
    next_step: [
        "Periksa kabel, modem atau hotspot. Catatan tetap aman di komputer ini dan berangkat sendiri nanti.",
        "Check the cable, modem or hotspot. Records stay safe on this computer and leave by themselves later.",
    ],
    explanation: [
        "Bekerja tanpa sambungan adalah keadaan biasa: semua isian tetap tersimpan.\n\
         Begitu ada jaringan, pengiriman dimulai lagi tanpa perlu menekan tombol apa pun.",
        "Working without a connection is normal: everything entered is still saved.\n\
         As soon as there is a network, sending starts again without anybody pressing a button.",
    ],
};

static DNS: Page = Page {
    exit: Exit::Unreachable,
    sentence: ["Nama alamat pusat tidak ditemukan (DNS).", "The name of the hub cannot be found (DNS)."],
    next_step: [
        "Periksa apakah internet jalan dan apakah alamat pusat benar: kentongan-agent config show --origin",
        "Check that the internet works and that the hub's address is right: kentongan-agent config show --origin",
    ],
    explanation: [
        "Jaringan ada, tetapi tidak ada yang tahu alamat untuk nama pusat itu.\n\
         Biasanya internet sedang putus di luar kantor, atau alamat pusat salah ketik.",
        "There is a network, but nothing on it knows an address for the hub's name.\n\
         Usually the internet is down beyond the office, or the hub's address is mistyped.",
    ],
};

static PROXY: Page = Page {
    exit: Exit::Unreachable,
    sentence: [
        "Proksi jaringan menolak atau tidak menjawab.",
        "The network's proxy refuses the connection or does not answer.",
    ],
    next_step: [
        "Tanyakan alamat proksi kepada pengelola jaringan dan isi hub.proxy, atau isi \"none\" bila tidak ada proksi.",
        "Ask the network's keeper for the proxy address and set hub.proxy, or set it to \"none\" if there is no proxy.",
    ],
    explanation: [
        "Sebagian jaringan pemerintah hanya bisa keluar lewat proksi.\n\
         Proksi yang membongkar TLS tidak bisa dipakai: pusat dan kantor saling mengenali dengan sertifikat sendiri.",
        "Some government networks reach the internet only through a proxy.\n\
         A proxy that opens TLS cannot be used: hub and office know each other by certificates of their own.",
    ],
};

static WRONG_CERTIFICATE: Page = Page {
    exit: Exit::WrongHub,
    sentence: [
        "Yang menjawab menunjukkan sertifikat yang bukan milik pusat kita. Tidak ada yang dikirim.",
        "What answered shows a certificate that is not our hub's. Nothing was sent.",
    ],
    next_step: [
        "Coba jaringan lain. Bila tetap muncul, tanyakan kepada pengelola pusat apakah sertifikat induknya diganti.",
        "Try another network. If it stays, ask the hub's keeper whether the root certificate was replaced.",
    ],
    explanation: [
        "Saat pendaftaran, komputer ini mencatat sidik jari sertifikat induk pusat dan hanya percaya pada itu.\n\
         Proksi yang membongkar TLS, alamat yang salah, atau pusat yang dipasang ulang menimbulkan kode ini.\n\
         Catatan tetap aman di komputer ini.",
        "At enrolment this computer noted the fingerprint of the hub's root certificate and trusts nothing else.\n\
         A proxy that opens TLS, a wrong address or a hub that was set up anew causes this code.\n\
         Records stay safe on this computer.",
    ],
};

static REVOKED: Page = Page {
    exit: Exit::Refused,
    sentence: [
        "Pusat sudah mencabut atau tidak mengenal pendaftaran komputer ini.",
        "The hub has revoked the enrolment of this computer, or does not know it.",
    ],
    next_step: [
        "Hubungi pengelola pusat. Bila komputer ini boleh bekerja lagi, minta kode pendaftaran baru.",
        "Call the hub's keeper. If this computer may work again, ask for a new enrolment code.",
    ],
    explanation: [
        "Pencabutan dilakukan oleh orang di pusat, misalnya karena komputer hilang atau diganti.\n\
         Catatan yang belum sampai tetap ada di komputer ini dan tidak dihapus.",
        "Revoking is done by a person at the hub, for example because a computer was lost or replaced.\n\
         Records that have not arrived stay on this computer and are not deleted.",
    ],
};

static HUB_BUSY: Page = Page {
    exit: Exit::Unreachable,
    sentence: [
        "Pusat sedang sibuk dan meminta kantor datang lagi nanti.",
        "The hub is busy and asks the office to come back later.",
    ],
    next_step: [
        "Tidak perlu melakukan apa-apa: percobaan berikutnya berjalan sendiri.",
        "There is nothing to do: the next attempt comes by itself.",
    ],
    explanation: [
        "Sesudah listrik atau jaringan daerah pulih, banyak kantor datang bersamaan.\n\
         Pusat lalu membagi waktu; catatan tetap aman sampai gilirannya.",
        "After power or a region's network returns, many offices come at the same moment.\n\
         The hub then spreads them over time; records stay safe until their turn.",
    ],
};

static VERSION: Page = Page {
    exit: Exit::Version,
    sentence: [
        "Versi program ini dan versi pusat tidak cocok.",
        "The version of this program and the version of the hub do not fit.",
    ],
    next_step: [
        "Perbarui program yang lebih lama. Lihat versinya: kentongan-agent version",
        "Update the older of the two programs. To see the version: kentongan-agent version",
    ],
    explanation: [
        "Pusat melayani sekurangnya dua versi besar terakhir.\n\
         Catatan yang sudah tersimpan tidak hilang karena pembaruan.",
        "A hub serves the last two major versions at least.\n\
         Records that are saved are not lost by an update.",
    ],
};

static TWIN_IDENTITY: Page = Page {
    exit: Exit::Decide,
    sentence: ["Dua komputer menjawab sebagai satu kantor yang sama.", "Two machines answer as one replica."],
    next_step: [
        "Tentukan komputer mana yang tetap dipakai; di komputer yang lain jalankan unenrol lalu daftar dengan kode baru.",
        "Decide which machine stays; on the other one run unenrol and enrol it with a new code.",
    ],
    explanation: [
        "Ini terjadi bila folder data atau isi disk disalin ke komputer kedua.\n\
         Catatan dari keduanya tetap sampai; hanya identitasnya yang harus dipisah.",
        "This happens when the data folder or a whole disk is copied to a second machine.\n\
         Records of both still arrive; only the identity has to be separated.",
    ],
};

static NOT_THE_HUB: Page = Page {
    exit: Exit::NotTheHub,
    sentence: [
        "Ada yang menjawab, tetapi bukan pusat: kemungkinan halaman masuk Wi-Fi atau hotspot.",
        "Something answered, but it was not the hub: probably the login page of a Wi-Fi or hotspot.",
    ],
    next_step: [
        "Buka peramban, masuk ke jaringan Wi-Fi itu, lalu tunggu percobaan berikutnya.",
        "Open a browser, log in to that Wi-Fi network, then wait for the next attempt.",
    ],
    explanation: [
        "Halaman masuk, proksi dan operator seluler kadang menjawab \"berhasil\" atas nama siapa pun.\n\
         Jawaban yang tidak berasal dari pusat tidak mengubah apa pun di komputer ini.",
        "Login pages, proxies and carriers sometimes answer \"success\" in anybody's name.\n\
         An answer that does not come from the hub changes nothing on this computer.",
    ],
};

static DEVICE_EXPIRED: Page = Page {
    exit: Exit::DeviceExpired,
    sentence: ["Sertifikat komputer ini sudah habis masa berlakunya.", "The certificate of this computer has expired."],
    next_step: [
        "Minta kode pendaftaran baru kepada pengelola pusat, lalu: kentongan-agent enrol --hub ALAMAT --code KODE",
        "Ask the hub's keeper for a new enrolment code, then: kentongan-agent enrol --hub URL --code CODE",
    ],
    explanation: [
        "Sertifikat diperpanjang sendiri pada setiap hubungan, jauh sebelum habis.\n\
         Bila komputer ini terlalu lama tidak berhubungan, ia harus didaftarkan lagi. Catatannya tetap ada.",
        "Certificates renew themselves at contact, long before they end.\n\
         A computer without contact for too long has to be enrolled again. Its records stay.",
    ],
};

static HUB_EXPIRED: Page = Page {
    exit: Exit::HubExpired,
    sentence: ["Sertifikat pusat sudah habis masa berlakunya.", "The certificate of the hub has expired."],
    next_step: [
        "Beri tahu pengelola pusat. Di kantor tidak ada yang perlu diubah.",
        "Tell the hub's keeper. Nothing has to be changed at the office.",
    ],
    explanation: [
        "Masa berlaku dinilai dengan waktu terakhir yang diberikan pusat, bukan dengan jam komputer ini.\n\
         Catatan tetap aman dan berangkat begitu sertifikat pusat diperbarui.",
        "Validity is judged by the last time that the hub gave, not by the clock of this computer.\n\
         Records stay safe and leave as soon as the hub's certificate is renewed.",
    ],
};

static UNREACHABLE: Page = Page {
    exit: Exit::Unreachable,
    sentence: [
        "Pusat tidak bisa dihubungi: sambungan ditolak atau tidak dijawab.",
        "The hub cannot be reached: the connection is refused or not answered.",
    ],
    next_step: [
        "Tunggu percobaan berikutnya. Bila lebih dari sehari, tanyakan pengelola pusat: kentongan-agent doctor",
        "Wait for the next attempt. If it lasts more than a day, ask the hub's keeper: kentongan-agent doctor",
    ],
    explanation: [
        "Alamat pusat dikenal, tetapi di sana tidak ada yang menerima, atau jalan ke sana tertutup.\n\
         Pusat mungkin sedang mati, atau tembok api menutup portnya.",
        "The hub's address is known, but nothing accepts there, or the way to it is closed.\n\
         The hub may be down, or a firewall closes its port.",
    ],
};

static CUT: Page = Page {
    exit: Exit::Unreachable,
    sentence: ["Sambungan putus di tengah pertukaran.", "The connection was cut in the middle of an exchange."],
    next_step: [
        "Tidak perlu melakukan apa-apa: percobaan berikutnya meneruskan dari yang sudah sampai.",
        "There is nothing to do: the next attempt goes on from what has arrived.",
    ],
    explanation: [
        "Pada sambungan lemah ini sering terjadi dan tidak merusak apa pun.\n\
         Setiap bagian yang sudah diterima pusat tidak diulang, dan tidak ada catatan yang menjadi dua.",
        "On a weak link this is common and harms nothing.\n\
         Parts that the hub already has are not repeated, and no record becomes two.",
    ],
};

static CODE_REFUSED: Page = Page {
    exit: Exit::Refused,
    sentence: [
        "Kode pendaftaran ditolak: salah ketik, sudah dipakai, atau habis masa berlakunya.",
        "The enrolment code was refused: mistyped, already used, or expired.",
    ],
    next_step: [
        "Periksa ketikannya. Bila benar, minta kode baru kepada pengelola pusat.",
        "Check the typing. If it is right, ask the hub's keeper for a new code.",
    ],
    explanation: [
        "Satu kode biasanya hanya untuk satu komputer dan berlaku empat belas hari.\n\
         Di pusat: kentongan-hub enrol code create --office KODE-KANTOR",
        "A code is usually for one computer only and holds for fourteen days.\n\
         At the hub: kentongan-hub enrol code create --office OFFICE-CODE",
    ],
};

static NO_SPACE: Page = Page {
    exit: Exit::NoSpace,
    sentence: ["Ruang di disk hampir atau sudah habis.", "The disk is full or nearly full."],
    next_step: [
        "Kosongkan ruang di disk tempat folder data berada: kentongan-agent paths",
        "Free space on the disk that holds the data folder: kentongan-agent paths",
    ],
    explanation: [
        "Yang sudah tersimpan tetap aman. Isian baru ditolak dengan jujur daripada tersimpan setengah.\n\
         Begitu ada ruang, pekerjaan berjalan lagi tanpa perlu memulai ulang.",
        "What is saved stays safe. New entries are refused honestly rather than half saved.\n\
         As soon as there is space, work goes on without a restart.",
    ],
};

static STORE_REPAIRED: Page = Page {
    exit: Exit::Done,
    sentence: ["Tempat penyimpanan sempat rusak dan sudah dipulihkan.", "The store was damaged and has been repaired."],
    next_step: [
        "Beri tahu petugas TI bila ini berulang: disk atau listriknya perlu diperiksa.",
        "Tell IT if this happens again: the disk or the power supply needs a look.",
    ],
    explanation: [
        "Berkas yang rusak tidak dihapus; ia disimpan di sampingnya dengan akhiran .damaged.\n\
         Catatan yang sudah sampai di pusat dikembalikan dari sana.",
        "The damaged file is not deleted; it is kept beside the store, with the ending .damaged.\n\
         Records that have arrived at the hub are given back from there.",
    ],
};

static CLOCK: Page = Page {
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

static PERMISSION: Page = Page {
    exit: Exit::Unknown,
    sentence: [
        "Tidak ada izin untuk membaca atau menulis berkas yang diperlukan.",
        "There is no permission to read or write a file that is needed.",
    ],
    next_step: [
        "Jalankan sebagai pengguna yang memiliki folder data, atau betulkan pemiliknya: kentongan-agent paths",
        "Run as the user who owns the data folder, or correct its owner: kentongan-agent paths",
    ],
    explanation: [
        "Folder data hanya boleh dibaca oleh pengguna layanan, karena berisi kunci dan data warga.\n\
         Perintah yang dijalankan sebagai pengguna lain mendapat kode ini.",
        "The data folder is for the service's user alone, because it holds keys and people's data.\n\
         Commands run as another user get this code.",
    ],
};

static STORE_IN_USE: Page = Page {
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

static STORE_DAMAGED: Page = Page {
    exit: Exit::StoreDamaged,
    sentence: ["Tempat penyimpanan rusak.", "The store is damaged."],
    next_step: [
        "Jangan hapus apa pun. Hubungi petugas TI: kentongan-agent doctor",
        "Do not delete anything. Call IT: kentongan-agent doctor",
    ],
    explanation: [
        "Listrik yang padam mendadak atau disk yang menua dapat merusak berkas.\n\
         Program tidak pernah menghapus berkas yang rusak; ia menyimpannya untuk diselamatkan.",
        "Sudden power cuts or an ageing disk can damage files.\n\
         The program never deletes a damaged file; it keeps it so that it can be rescued.",
    ],
};

static STORE_NEWER: Page = Page {
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

static UNKNOWN_FORM: Page = Page {
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

static INVALID_FIELD: Page = Page {
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

static TOO_LARGE: Page = Page {
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
