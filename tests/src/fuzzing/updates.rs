//! Updates as strangers carry them: files on a stick, offers of a hub and their parts. An office believes its publisher alone,
//! and whoever else says anything can make it fetch, and nothing more.

use std::sync::LazyLock;

use kentongan_agent::update::Coming;
use kentongan_host::release::{PublisherKey, Release, ReleaseFault, TARGET, UpdateFile, publisher_keys};
use kentongan_host::{DataDir, Program};
use kentongan_hub::engine;
use kentongan_hub::update::{Offers, Reach, Staged};
use kentongan_protocol::attachment::ContentHash;
use kentongan_protocol::wire::codec::{self, Blob, List, Txt};
use kentongan_protocol::wire::v1::{Marks, Offered, extension};
use serde_json::Value;

use super::bytes::{Bytes, piece};
use super::files::folder;
use super::hub::NOW_MS;
use crate::publisher::{Publisher, Said};
use crate::sim::world::{key, office_code};

/// Programs up to here are unpacked to be looked at: who signs a longer one may have it unpacked, but not by dice.
const LOOKED_AT_BYTES_MAX: u64 = 1 << 20;

/// An update file at the hub of these stories.
pub(super) struct AtHub {
    /// Its bytes.
    pub(super) file: Vec<u8>,
    pub(super) hash: ContentHash,
    version: &'static str,
    /// To whom it is offered.
    to: Option<&'static str>,
    /// Whether it is halted; without being staged it is a file of somebody's complaint, which nobody may fetch as an update.
    halted: bool,
}

impl AtHub {
    fn new(version: &'static str, to: Option<&'static str>, halted: bool) -> AtHub {
        let program = format!("#!/bin/sh\necho {version}\n").repeat(40);
        let file = publisher().update(Said::of(version), program.as_bytes());
        AtHub { hash: ContentHash::of(&file), file, version, to, halted }
    }

    /// Whether whoever asks gets it.
    pub(super) fn is_given(&self) -> bool {
        self.to.is_some() && !self.halted
    }
}

/// One for everybody, one for another office than the stranger's, one that did not do, and one that is no update to the hub.
pub(super) static AT_HUB: LazyLock<[AtHub; 4]> = LazyLock::new(|| {
    [
        AtHub::new("7.0.0", Some("all"), false),
        AtHub::new("8.0.0", Some("32.73.05.1002"), false),
        AtHub::new("9.0.0", Some("all"), true),
        AtHub::new("10.0.0", None, false),
    ]
});

/// How a program says in its greeting that it can be updated.
pub(super) fn spoken(major: u8) -> String {
    format!("agent {major}.0.0 {TARGET}")
}

/// The newest that the office at `place` is to be offered.
pub(super) fn offered_to(place: usize) -> &'static str {
    if office_code(place) == "32.73.05.1002" { "8.0.0" } else { "7.0.0" }
}

/// Gives them to a hub.
pub(super) fn stage(hub: &engine::Hub) {
    let mut offers = Offers::default();
    for at_hub in &*AT_HUB {
        hub.archive().put(at_hub.hash, &at_hub.file).expect("kept");
        let Some(to) = at_hub.to else { continue };
        let mut reach = Reach::default();
        reach.widen(to.parse().expect("a reach"));
        offers.add(Staged {
            version: at_hub.version.parse().expect("a version"),
            target: TARGET.to_owned(),
            hash: at_hub.hash.to_string(),
            bytes: at_hub.file.len() as u32,
            reach,
            halted: at_hub.halted,
        });
    }
    hub.put_offers(offers);
}

/// Who is trusted at every office.
pub(super) fn publisher() -> Publisher {
    Publisher::with(key(8), 8)
}

fn keys() -> Vec<PublisherKey> {
    publisher_keys(&publisher().key()).expect("a key")
}

/// How an input is made into an update file.
mod shape {
    /// The rest is the file.
    pub(super) const AS_IT_IS: u8 = 0;
    /// A manifest, the text of a signature and what is packed; the first line is put right.
    pub(super) const IN_PARTS: u8 = 1;
    /// The same with a signature that is right: what a publisher who errs or lost the key could sign.
    pub(super) const SIGNED: u8 = 2;
    /// Signed, and the program is packed too.
    pub(super) const PACKED: u8 = 3;
}

fn file_of(data: &[u8]) -> (Vec<u8>, bool) {
    let mut bytes = Bytes::new(data);
    let how = bytes.byte() % 4;
    if how == shape::AS_IT_IS {
        return (bytes.rest().to_vec(), false);
    }
    let (manifest, signature) = (bytes.piece(), bytes.piece());
    let is_signed = how != shape::IN_PARTS;
    let signature = if is_signed { publisher().sign(manifest).into_bytes() } else { signature.to_vec() };
    let mut file = format!("KENTONGAN-UPDATE/1 {} {}\n", manifest.len(), signature.len()).into_bytes();
    file.extend(manifest.iter().chain(&signature));
    match how {
        shape::PACKED => file.extend(zstd::stream::encode_all(bytes.rest(), 1).expect("packed")),
        _ => file.extend(bytes.rest()),
    }
    (file, is_signed)
}

/// Any file as an update: what the publisher did not sign is not believed; a program that comes out is the one that was named;
/// a version is a name for a folder and no way out of it.
pub(super) fn update_files(data: &[u8]) {
    let (file, is_signed) = file_of(data);
    let Ok(update) = UpdateFile::read(&file) else { return };
    assert_eq!(update.release(&[]), Err(ReleaseFault::NotGenuine), "believed without a key");
    let release = update.release(&keys());
    if is_signed {
        assert_ne!(release, Err(ReleaseFault::NotGenuine), "the publisher's own signature");
    } else if release != Err(ReleaseFault::NotGenuine) {
        let own = |at_hub: &AtHub| UpdateFile::read(&at_hub.file).is_ok_and(|own| own.manifest == update.manifest);
        assert!(AT_HUB.iter().any(own), "the publisher never signed this");
    }
    let Ok(claimed) = Release::claimed(&update.manifest) else { return };
    let folder = claimed.version.to_string();
    assert!(
        folder.chars().any(char::is_alphanumeric) && !folder.contains(['/', '\\']),
        "{folder:?} is a folder's name"
    );
    assert_eq!(folder.parse(), Ok(claimed.version.clone()));
    let small = |bytes: u64| bytes <= LOOKED_AT_BYTES_MAX;
    if let Some(named) = claimed.program_for(Program::Agent, TARGET).filter(|named| small(named.bytes))
        && let Ok(program) = update.unpack(named)
    {
        assert!(named.is(&program));
    }
    // What whoever only carries it takes it for is what comes out of it.
    if let Some((named, _)) = update.held(&claimed).filter(|(named, _)| small(named.bytes)) {
        assert_eq!(update.unpack(named).map(|program| program.len() as u64), Ok(named.bytes));
    }
}

/// What a hub that lies about updates makes an office keep: never more than the file that it was told of last and a part of it,
/// and nothing is taken for whole that is not.
pub(super) fn offers(data: &[u8]) {
    let folder = folder();
    let dir = DataDir::at(Program::Agent, folder.path());
    let (mut coming, mut told) = (Coming::new(dir.clone()), None);
    let mut bytes = Bytes::new(data);
    while !bytes.is_empty() {
        let at_hub = bytes.pick(&*AT_HUB);
        match bytes.below(8) {
            // The program starts anew, and has been told of nothing.
            0 => (coming, told) = (Coming::new(dir.clone()), None),
            1 | 2 => {
                let value = offer(at_hub, &mut bytes);
                told = codec::decode::<Offered>(&value).ok();
                coming.told(&marks(value));
            }
            3..=6 => {
                let next = coming.next_part();
                let (hash, offset) =
                    next.filter(|_| bytes.byte() < 200).unwrap_or((at_hub.hash, bytes.number() as u32));
                let part = match bytes.byte() {
                    0..=200 => at_hub.file.get(offset as usize..).unwrap_or_default(),
                    _ => bytes.piece(),
                };
                let part = &part[..part.len().min(usize::from(bytes.byte()) << 4)];
                let taken = coming.took(hash, offset, part);
                assert_eq!(
                    taken,
                    if next == Some((hash, offset)) { part.len() } else { 0 },
                    "a part that is not the next one"
                );
            }
            _ => {
                if let Some((file, version)) = coming.whole() {
                    let told = told.as_ref().expect("told of it");
                    assert_eq!((ContentHash::of(&file).0, &version), (told.hash, &told.version.0), "another file");
                }
            }
        }
        if let Some((ContentHash(hash), offset)) = coming.next_part() {
            let told = told.as_ref().expect("told of it");
            assert!(told.hash == hash && offset < told.bytes, "it asks for what it was not told of");
        }
        let parts = std::fs::read_dir(dir.updates()).map_or(0, Iterator::count);
        assert!(parts <= 1, "{parts} files are kept");
    }
}

/// The value of the extension: an offer with something wrong in it, or anything.
fn offer(at_hub: &AtHub, bytes: &mut Bytes<'_>) -> Vec<u8> {
    let (mut length, mut version) = (at_hub.file.len() as u32, at_hub.version.to_owned());
    match bytes.byte() {
        0..=150 => {}
        151..=180 => length = bytes.number() as u32,
        181..=210 => version = bytes.text(60),
        _ => return bytes.piece().to_vec(),
    }
    codec::encode(&Offered { hash: at_hub.hash.0, bytes: length, version: Txt(version) })
}

fn marks(offer: Vec<u8>) -> Marks {
    let extensions = List(vec![(extension::UPDATE, Blob(offer))]);
    Marks { hub_ms: NOW_MS, extensions, ..Marks::default() }
}

pub(super) fn update_file_seeds() -> Vec<Vec<u8>> {
    let whole = AT_HUB.iter().map(|at_hub| [&[shape::AS_IT_IS], at_hub.file.as_slice()].concat());
    let update = UpdateFile::read(&AT_HUB[0].file).expect("an update file");
    let packed = &AT_HUB[0].file[AT_HUB[0].file.len().saturating_sub(60)..];
    let in_parts = [shape::IN_PARTS, shape::SIGNED, shape::PACKED].map(|how| {
        let mut input = vec![how];
        piece(&mut input, &update.manifest);
        piece(&mut input, update.signature.as_bytes());
        input.extend(packed);
        input
    });
    // Much of nothing, and a manifest that claims that it is so.
    let mut claims: Value = serde_json::from_slice(&update.manifest).expect("JSON");
    claims["files"][0]["bytes"] = LOOKED_AT_BYTES_MAX.into();
    let mut bomb = vec![shape::SIGNED];
    piece(&mut bomb, claims.to_string().as_bytes());
    piece(&mut bomb, b"");
    bomb.extend(zstd::stream::encode_all(vec![0; 2 << 20].as_slice(), 1).expect("packed"));
    whole.chain(in_parts).chain([bomb]).collect()
}

pub(super) fn offer_seeds() -> Vec<Vec<u8>> {
    // Told of the first, its parts one by one, and all of it; the same with a start in between; told of it with another length.
    let (tell, part, whole, anew) = ([0, 1, 0], [0, 3, 0, 0, 255], [0, 7], [0, 0]);
    vec![
        [&tell[..], &part, &part, &part, &whole].concat(),
        [&tell[..], &part, &anew, &tell, &part, &whole].concat(),
        [&[0, 1, 160, 3][..], &part, &whole, &tell, &part, &whole].concat(),
        [&tell[..], &part, &[1, 1, 0], &part, &[1, 7]].concat(),
    ]
}
