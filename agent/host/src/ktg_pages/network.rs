//! 1xx: the network, and who is who on it.

use super::Page;
use crate::exit::Exit;

pub(super) static NO_NETWORK: Page = Page {
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

pub(super) static DNS: Page = Page {
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

pub(super) static PROXY: Page = Page {
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

pub(super) static WRONG_CERTIFICATE: Page = Page {
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

pub(super) static REVOKED: Page = Page {
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

pub(super) static HUB_BUSY: Page = Page {
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

pub(super) static VERSION: Page = Page {
    exit: Exit::Version,
    sentence: [
        "Versi program ini dan versi pusat tidak cocok.",
        "The version of this program and the version of the hub do not fit.",
    ],
    next_step: [
        "Perbarui program yang lebih lama. Lihat versinya dengan perintah `version`.",
        "Update the older of the two programs. The command `version` shows it.",
    ],
    explanation: [
        "Pusat melayani sekurangnya dua versi besar terakhir.\n\
         Catatan yang sudah tersimpan tidak hilang karena pembaruan.",
        "A hub serves the last two major versions at least.\n\
         Records that are saved are not lost by an update.",
    ],
};

pub(super) static TWIN_IDENTITY: Page = Page {
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

pub(super) static NOT_THE_HUB: Page = Page {
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

pub(super) static DEVICE_EXPIRED: Page = Page {
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

pub(super) static HUB_EXPIRED: Page = Page {
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

pub(super) static UNREACHABLE: Page = Page {
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

pub(super) static CUT: Page = Page {
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

pub(super) static CODE_REFUSED: Page = Page {
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

pub(super) static APPROVAL_AWAITED: Page = Page {
    exit: Exit::Decide,
    sentence: [
        "Pusat menunggu persetujuan operator untuk komputer ini.",
        "The hub waits for an operator to approve this computer.",
    ],
    next_step: [
        "Telepon operator pusat, bacakan lima kata yang tampil, lalu jalankan pendaftaran sekali lagi.",
        "Telephone the hub's operator, read out the five words shown, then enrol once more.",
    ],
    explanation: [
        "Kode ini baru berlaku setelah dua orang mencocokkan lima kata. Kata-kata itu berasal dari kunci komputer ini: siapa\n\
         pun yang hanya memegang kodenya mendapat kata yang lain. Di pusat: kentongan-hub enrol request list",
        "This code only holds after two people have compared five words. The words come from the key of this computer:\n\
         whoever has the code alone has other words. At the hub: kentongan-hub enrol request list",
    ],
};
