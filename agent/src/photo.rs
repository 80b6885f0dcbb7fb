//! Photos at intake: made smaller, turned upright, and freed of what cameras note in them.
//!
//! A telephone's photo has 3 to 8 MB; what a complaint needs of it fits into 100 to 300 KB, which is minutes of a slow
//! link instead of hours. Where the photo was taken, by which telephone, and whatever else is hidden in such a file does
//! not leave this PC: the picture is decoded and written anew, apart from the rest, because strangers' files are read by
//! others' code there. Papers (PDF) stay as they are.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, Rgb, RgbImage};
use kentongan_host::fail::Failure;
use kentongan_host::ktg::Ktg;
use kentongan_host::output::{pick, process_lang};
use kentongan_host::panics;
use kentongan_protocol::attachment::{Attachment, Content, Media, Unfit};
use kentongan_protocol::form::check::ATTACHMENT_NAME_CHARS_MAX;
use kentongan_protocol::limits::ATTACHMENT_BYTES_MAX;
use kentongan_protocol::sealed::FILE_GROWS_BYTES_MAX;

/// Longest file that is read at all: photos of the best telephones have less.
pub const FILE_BYTES_MAX: u64 = 40 * 1024 * 1024;
/// Longest name, in characters.
const NAME_CHARS_MAX: usize = ATTACHMENT_NAME_CHARS_MAX as usize;
/// Memory that decoding one picture may take, in bytes: 40 megapixels, on a PC with 2 GB.
const DECODE_BYTES_MAX: u64 = 160 * 1024 * 1024;
/// Longest side of a picture that is decoded, in pixels.
const SIDE_PX_MAX: u32 = 16_384;

/// How photos are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Photos {
    /// Longest side afterwards, in pixels; 0: files stay as they are.
    pub side_px: u32,
    /// Quality of the JPEG, 1 to 100.
    pub quality: u8,
}

/// A file that can be attached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// What the record will say of it.
    pub attachment: Attachment,
    /// The file.
    pub content: Vec<u8>,
}

/// Reads a file and makes of it what is attached, under its name.
///
/// # Errors
/// If it cannot be read, and as [`prepare`].
pub fn read(path: &Path, photos: Photos) -> Result<Prepared, Failure> {
    let name = name_of(&path.file_name().map_or_else(|| path.to_string_lossy(), |name| name.to_string_lossy()));
    let unreadable = |error: io::Error| {
        let failure = Failure::from(error);
        Failure { message: format!("{}: {}", path.display(), failure.message), ..failure }
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut content = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut content).map_err(unreadable)?;
    if content.len() as u64 > FILE_BYTES_MAX {
        return Err(unfit(&name, Unfit::TooLong));
    }
    prepare(content, &name, photos)
}

/// What a form takes as a name: nothing hidden in it, and not too long.
pub fn name_of(file: &str) -> String {
    let name: String = file.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    if name.trim().is_empty() { "lampiran".to_owned() } else { name }
}

/// Makes of a file what is attached. `name` is what people call it.
///
/// # Errors
/// [`Ktg::TooLarge`] or [`Ktg::UnfitFile`], with what is wrong with the file and what to do.
pub fn prepare(content: Vec<u8>, name: &str, photos: Photos) -> Result<Prepared, Failure> {
    // What somebody sealed is no paper that a citizen brought.
    let media = Media::of(&content).filter(|media| *media != Media::Sealed);
    let media = media.ok_or_else(|| unfit(name, Unfit::UnknownMedia))?;
    let content = match media {
        media if media.is_picture() && photos.side_px > 0 => {
            let smaller = panics::apart("photo", move || made_smaller(&content, photos)).map_err(anyhow::Error::new)?;
            smaller.ok_or_else(|| damaged(name))?.map_err(|error| damaged(name).caused_by(error))?
        }
        _ => content,
    };
    let named = Content::of(&content).map_err(|error| unfit(name, error))?;
    // Its complaint may turn out to be confidential, and it is sealed then.
    if named.bytes > ATTACHMENT_BYTES_MAX - FILE_GROWS_BYTES_MAX {
        return Err(unfit(name, Unfit::TooLong));
    }
    Ok(Prepared { attachment: Attachment { content: named, name: name.to_owned() }, content })
}

fn unfit(name: &str, why: Unfit) -> Failure {
    let lang = process_lang();
    match why {
        Unfit::TooLong => {
            let max = ATTACHMENT_BYTES_MAX / (1024 * 1024);
            Failure::of(Ktg::TooLarge)
                .with_detail(format!("{name}: {} {max} MiB", pick(lang, "lebih dari", "more than")))
                .with_hint(
                    "Pindai dengan mutu lebih rendah, atau bagi berkasnya.",
                    "Scan it at a lower quality, or split it.",
                )
        }
        _ => Failure::of(Ktg::UnfitFile).with_detail(name),
    }
}

fn damaged(name: &str) -> Failure {
    let what = pick(process_lang(), "gambarnya rusak", "the picture is damaged");
    Failure::of(Ktg::UnfitFile).with_detail(format!("{name}: {what}"))
}

/// The picture as a JPEG whose longer side is at most as long as the setting says, upright, on white where it was
/// transparent.
fn made_smaller(content: &[u8], photos: Photos) -> Result<Vec<u8>, image::ImageError> {
    let mut reader = ImageReader::new(Cursor::new(content)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODE_BYTES_MAX);
    limits.max_image_width = Some(SIDE_PX_MAX);
    limits.max_image_height = Some(SIDE_PX_MAX);
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    if picture.width().max(picture.height()) > photos.side_px {
        picture = picture.resize(photos.side_px, photos.side_px, FilterType::Triangle);
    }
    picture.apply_orientation(orientation);
    let mut smaller = Vec::new();
    JpegEncoder::new_with_quality(&mut smaller, photos.quality.clamp(1, 100)).encode_image(&on_white(&picture))?;
    Ok(smaller)
}

fn on_white(picture: &DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let seen = picture.to_rgba8();
    RgbImage::from_fn(seen.width(), seen.height(), |x, y| {
        let [r, g, b, a] = seen.get_pixel(x, y).0;
        let shown = |part: u8| (u16::from(part) * u16::from(a) + 255 * (255 - u16::from(a))).div_ceil(255) as u8;
        Rgb([r, g, b].map(shown))
    })
}

#[cfg(test)]
mod tests {
    use image::{ImageFormat, Rgba, RgbaImage};

    use super::*;

    const PHOTOS: Photos = Photos { side_px: 320, quality: 75 };

    /// A picture with some structure in it.
    fn picture(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| Rgb([(x % 251) as u8, (y % 241) as u8, ((x * y) % 239) as u8]))
    }

    fn file(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        picture.write_to(&mut file, format).expect("written into memory");
        file.into_inner()
    }

    #[test]
    fn a_photo_of_a_telephone_becomes_small_and_keeps_its_shape() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
            let original = file(&picture(750, 500), format);
            let prepared = prepare(original.clone(), "loket.jpg", PHOTOS).expect("a photo");
            assert_eq!(prepared.attachment.content.media, Media::Jpeg as u8);
            assert_eq!(prepared.attachment.content.verify(&prepared.content), Ok(()));
            assert!(prepared.content.len() < 60_000, "{} bytes", prepared.content.len());
            let smaller = image::load_from_memory(&prepared.content).expect("a picture");
            assert_eq!((smaller.width(), smaller.height()), (320, 213));
            let twice = prepare(original, "lagi.jpg", PHOTOS).expect("a photo");
            assert_eq!(
                twice.attachment.content.hash, prepared.attachment.content.hash,
                "one photo attached twice is one file"
            );
        }
    }

    #[test]
    fn what_the_camera_noted_does_not_leave_the_pc_and_the_picture_stands_upright() {
        let plain = file(&picture(60, 40), ImageFormat::Jpeg);
        // An Exif part with one entry: orientation 6 (turned by a quarter), and a place in plain sight.
        let tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0LINTANG-RAHASIA";
        let mut noted = plain[..2].to_vec();
        noted.extend([0xff, 0xe1]);
        noted.extend((tiff.len() as u16 + 8).to_be_bytes());
        noted.extend(b"Exif\0\0");
        noted.extend(tiff);
        noted.extend(&plain[2..]);
        let prepared = prepare(noted, "foto.jpg", PHOTOS).expect("a photo");
        assert!(!prepared.content.windows(7).any(|part| part == b"RAHASIA"));
        let upright = image::load_from_memory(&prepared.content).expect("a picture");
        assert_eq!((upright.width(), upright.height()), (40, 60));
    }

    #[test]
    fn what_was_transparent_is_white() {
        let clear = RgbaImage::from_pixel(9, 9, Rgba([0, 0, 0, 0]));
        let mut png = Cursor::new(Vec::new());
        clear.write_to(&mut png, ImageFormat::Png).expect("written into memory");
        let prepared = prepare(png.into_inner(), "cap.png", PHOTOS).expect("a picture");
        let shown = image::load_from_memory(&prepared.content).expect("a picture").to_rgb8();
        assert!(shown.pixels().all(|pixel| pixel.0.iter().all(|part| *part > 250)));
    }

    #[test]
    fn files_stay_as_they_are_where_that_is_wished_and_papers_always() {
        let as_it_is = Photos { side_px: 0, ..PHOTOS };
        let photo = file(&picture(30, 20), ImageFormat::Png);
        assert_eq!(prepare(photo.clone(), "cap.png", as_it_is).expect("a photo").content, photo);
        let paper = b"%PDF-1.4 ...".to_vec();
        assert_eq!(prepare(paper.clone(), "surat.pdf", PHOTOS).expect("a paper").content, paper);
    }

    #[test]
    fn what_is_no_photo_and_no_paper_is_refused_with_its_name() {
        let damaged = file(&picture(300, 200), ImageFormat::Png)[..200].to_vec();
        let long = [b"%PDF-".to_vec(), vec![0; ATTACHMENT_BYTES_MAX as usize]].concat();
        for (content, ktg) in [
            (b"MZ program".to_vec(), Ktg::UnfitFile),
            (b"<svg onload=...>".to_vec(), Ktg::UnfitFile),
            (damaged, Ktg::UnfitFile),
            (long, Ktg::TooLarge),
        ] {
            let failure = prepare(content, "berkas.bin", PHOTOS).expect_err("not fit");
            assert_eq!((failure.ktg, failure.exit), (Some(ktg), ktg.exit()));
            assert!(failure.to_string().contains("berkas.bin"), "{failure}");
        }
    }
}
