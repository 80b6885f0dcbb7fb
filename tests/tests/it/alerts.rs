//! Whoever runs a hub hears of what needs a person, by e-mail and through a program of theirs.

use std::fs;

use kentongan_tests::sinks::{Identity, Mailserver, Message, Receiver};
use kentongan_tests::{Hub, folder};

/// What a story is set up with, beside what it tells about space.
struct Told {
    _home: tempfile::TempDir,
    hub: Hub,
    mail: Mailserver,
    program: Receiver,
    trusted: std::path::PathBuf,
    config: String,
}

const PASSWORD: &str = "kenari-sandi-surel";
const PATH: &str = "/kait/kenari-rahasia?kunci=1";

impl Told {
    fn set_up() -> Told {
        let (home, hub, identity) = (folder::temporary("kentongan-sinks-"), Hub::set_up(), Identity::new());
        let file = |name: &str| home.path().join(name);
        let (trusted, key, password) = (file("trusted.pem"), file("webhook.key"), file("mail.password"));
        identity.write(&trusted);
        fs::write(&key, hub.run(&["alert", "secret"]).ok().stdout).expect("write the key");
        fs::write(&password, format!("{PASSWORD}\n")).expect("write the password");
        let (mail, program) = (Mailserver::open(&identity), Receiver::open(&identity, &key));
        let config = format!(
            "[alerts]\nlanguage = \"both\"\nafter = \"0s\"\nevery = \"0s\"\ndigest_at = \"off\"\n\
             [mail]\nserver = \"localhost:{}\"\nuser = \"kentongan\"\npassword_file = \"{}\"\n\
             from = \"Kentongan <hub@kab.example>\"\nto = [\"Wayan <wayan@kab.example>\"]\n\
             [webhooks]\nurls = [\"https://localhost:{}{PATH}\"]\nsecret_file = \"{}\"\n",
            mail.port(),
            password.display(),
            program.port(),
            key.display(),
        );
        Told { _home: home, hub, mail, program, trusted, config }
    }

    /// Says below which free space the hub accepts nothing: far more than any disk has, or next to nothing.
    fn wants_free(&self, min_free: &str) {
        let config = format!("{}[store]\nmin_free = \"{min_free}\"\n", self.config);
        fs::write(self.hub.data().join("hub.toml"), config).expect("write a configuration");
    }

    fn begin(&mut self) {
        let trusted = self.trusted.clone();
        let begun = self.hub.launch_as(|mut command| {
            command.env("SSL_CERT_FILE", &trusted);
            command
        });
        begun.expect("the hub starts");
    }
}

fn matters(message: &Message, list: &str) -> Vec<String> {
    let troubles = message.body["data"][list]["troubles"].as_array().expect("a list");
    troubles.iter().map(|trouble| trouble["matter"].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn a_full_disk_is_told_once_when_it_begins_and_once_when_it_ends_whatever_fails_meanwhile() {
    let mut told = Told::set_up();
    told.wants_free("1000TiB");
    told.program.answer_with(503);
    told.begin();
    let letter = told.mail.letters(1).remove(0);
    assert_eq!(
        (letter.login.as_str(), &letter.to[..]),
        (&*format!("kentongan {PASSWORD}"), &["wayan@kab.example".to_owned()][..])
    );
    assert!(
        letter.text.contains("Ruang disk pusat tinggal") && letter.text.contains("The hub's disk has"),
        "{letter:?}"
    );
    let first = told.program.messages(1).remove(0);
    assert!(first.is_signed && first.path == PATH, "{first:?}");
    assert_eq!(
        (matters(&first, "began"), &first.body["type"]),
        (vec!["hub.space".to_owned()], &"alerts.changed".into())
    );

    // A restart forgets nothing and repeats nothing; what was not taken comes again under its name, signed anew.
    told.hub.stop();
    told.hub.shift_clock(60_000);
    told.program.answer_with(204);
    told.begin();
    let again = told.program.messages(2).remove(1);
    assert_eq!((&again.id, &again.body, again.is_signed), (&first.id, &first.body, true));
    assert!(again.timestamp >= first.timestamp + 59, "{} after {}", again.timestamp, first.timestamp);

    told.wants_free("1MiB");
    let over = told.program.messages(3).remove(2);
    assert_eq!((matters(&over, "ended"), matters(&over, "began")), (vec!["hub.space".to_owned()], vec![]));
    let letters = told.mail.letters(2);
    assert!(
        letters.len() == 2 && letters[1].text.contains("Selesai:") && letters[1].text.contains("Over:"),
        "{letters:?}"
    );

    let tested = told.hub.run(&["alert", "test"]).ok().json();
    assert_eq!(tested["channels"].as_array().map(Vec::len), Some(2));
    assert!(told.mail.letters(3)[2].text.contains("percobaan"));
    assert_eq!(told.program.messages(4)[3].body["type"], "alerts.test");
    let list = told.hub.run(&["alert", "list"]).ok().json();
    assert_eq!(
        (list["open"].as_array().map(Vec::len), &list["channels"][0]["waiting"]),
        (Some(0), &0.into()),
        "{list}"
    );
    for secret in [PASSWORD, "kenari-rahasia", "wayan@", "whsec_"] {
        assert!(!told.hub.said().contains(secret), "{secret} stands in the log");
    }
}
