//! `multipart/form-data`: how browsers send a form that carries files.

use crate::form::{Fields, Upload};

/// Parts of one form, at most.
const PARTS_MAX: usize = 600;
/// Longest head of a part, in bytes.
const HEAD_BYTES_MAX: usize = 4 * 1024;

/// What a form carried.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) fields: Fields,
    /// Files by the name of their field. A file field that was left empty is not among them.
    pub(crate) files: Vec<(String, Upload)>,
}

/// The boundary that a content type names.
pub(crate) fn boundary(content_type: &str) -> Option<&str> {
    let (kind, rest) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let named = rest.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?;
    let named = named.trim_matches('"');
    (1..=70).contains(&named.len()).then_some(named)
}

/// Reads a whole body; `None` if it does not hold together.
pub(crate) fn read(body: &[u8], boundary: &str) -> Option<Parts> {
    let mut parts = Parts::default();
    let open = format!("--{boundary}");
    let between = format!("\r\n--{boundary}");
    let mut rest = body.strip_prefix(open.as_bytes())?;
    for _ in 0..PARTS_MAX {
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let head_end = find(rest.get(..rest.len().min(HEAD_BYTES_MAX))?, b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(rest.get(..head_end)?);
        rest = rest.get(head_end + 4..)?;
        let end = find(rest, between.as_bytes())?;
        let content = rest.get(..end)?;
        rest = rest.get(end + between.len()..)?;
        let (name, file) = names(&head)?;
        match file {
            None => parts.fields.add(name, String::from_utf8_lossy(content).into_owned()),
            Some(file) if file.is_empty() && content.is_empty() => {}
            Some(file) => parts.files.push((name, Upload { name: base(&file), content: content.to_vec() })),
        }
    }
    None
}

/// Name of the field, and of the file if it is one.
fn names(head: &str) -> Option<(String, Option<String>)> {
    let line = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    Some((quoted(line, "name")?, quoted(line, "filename")))
}

/// `key="…"`, in which browsers write `"` and line ends as `%22`, `%0D` and `%0A`.
fn quoted(line: &str, key: &str) -> Option<String> {
    let starts = line.match_indices(key).find_map(|(at, _)| {
        let before = line.get(..at)?.trim_end_matches(' ');
        let after = line.get(at + key.len()..)?.strip_prefix("=\"")?;
        before.ends_with(';').then_some(after)
    })?;
    let text = starts.split_once('"')?.0;
    Some(text.replace("%22", "\"").replace("%0D", " ").replace("%0A", " "))
}

/// The last part of what some browsers send as a whole path.
fn base(name: &str) -> String {
    name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    // The first byte finds most places where it is not; a boundary begins with a line end, which photos seldom hold.
    let first = *what.first()?;
    let mut from = 0;
    while let Some(at) = bytes.get(from..)?.iter().position(|byte| *byte == first) {
        if bytes.get(from + at..)?.starts_with(what) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"--xyz\r\nContent-Disposition: form-data; name=\"uraian\"\r\n\r\nLampu\r\npadam\r\n\
        --xyz\r\nContent-Disposition: form-data; name=\"berkas\"; filename=\"C:\\foto\\..\\\\jalan %22A%22.jpg\"\r\n\
        Content-Type: image/jpeg\r\n\r\n\xff\xd8\r\n--xy\r\n\0\r\n\
        --xyz\r\nContent-Disposition: form-data; name=\"berkas\"; filename=\"\"\r\n\
        Content-Type: application/octet-stream\r\n\r\n\r\n--xyz--\r\n";

    #[test]
    fn fields_and_files_come_out_whole_and_names_are_never_paths() {
        let parts = read(BODY, "xyz").expect("a form");
        assert_eq!(parts.fields.text("uraian"), "Lampu\r\npadam");
        let [(field, file)] = &parts.files[..] else { panic!("one file") };
        assert_eq!((field.as_str(), file.name.as_str()), ("berkas", "jalan \"A\".jpg"));
        assert_eq!(file.content, b"\xff\xd8\r\n--xy\r\n\0");
        for (given, name) in [("../../etc/passwd", "passwd"), ("C:\\a\\b.png", "b.png"), ("a/..", ".."), ("/", "")] {
            assert_eq!(base(given), name);
        }
    }

    #[test]
    fn what_was_cut_or_bent_anywhere_is_no_form_and_no_panic() {
        for end in 0..BODY.len() - 4 {
            assert_eq!(read(&BODY[..end], "xyz"), None, "{end}");
        }
        for at in 0..BODY.len() {
            let mut bent = BODY.to_vec();
            bent[at] ^= 0x15;
            let _ = read(&bent, "xyz");
        }
        assert_eq!(read(&b"--x\r\n".repeat(2_000), "x"), None);
    }

    #[test]
    fn a_boundary_is_found_where_there_is_one() {
        assert_eq!(boundary("multipart/form-data; boundary=----WebKit7"), Some("----WebKit7"));
        assert_eq!(boundary("Multipart/Form-Data; charset=utf-8; boundary=\"a b\""), Some("a b"));
        for none in ["multipart/form-data", "text/plain; boundary=x", "multipart/form-data; boundary="] {
            assert_eq!(boundary(none), None);
        }
    }
}
