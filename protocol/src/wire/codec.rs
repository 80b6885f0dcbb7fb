//! The one place that names the codec: bincode 2.0.1, standard configuration (little-endian, variable-length integers),
//! specified in `SPEC.md` so that it can be re-implemented.
//!
//! The library would let a length read from a peer choose an allocation. Wire structs therefore hold [`List`], [`Blob`]
//! and [`Txt`] instead of `Vec` and `String`: the same bytes, but each has a bound in its type and grows only with bytes
//! that really arrived.

use bincode::de::read::Reader;
use bincode::de::{BorrowDecode, BorrowDecoder, Decode, Decoder};
use bincode::enc::write::Writer;
use bincode::enc::{Encode, Encoder};
use bincode::error::{DecodeError, EncodeError};

use crate::error::Fault;

const CONFIG: bincode::config::Configuration = bincode::config::standard();

/// The bytes of a value.
pub fn encode<T: Encode>(value: &T) -> Vec<u8> {
    bincode::encode_to_vec(value, CONFIG).expect("wire types encode into memory without failing")
}

/// The value of exactly these bytes.
///
/// # Errors
/// [`Fault::Limit`] if a list is longer than its bound, [`Fault::Peer`] if the bytes are not a `T` or go on after it.
pub fn decode<T: Decode<()>>(bytes: &[u8]) -> Result<T, Fault> {
    match bincode::decode_from_slice(bytes, CONFIG) {
        Ok((value, used)) if used == bytes.len() => Ok(value),
        Ok(_) => Err(Fault::Peer("bytes after the end of a message")),
        Err(DecodeError::LimitExceeded) => Err(Fault::Limit("a list or text longer than the protocol allows")),
        Err(DecodeError::UnexpectedVariant { .. }) => Err(Fault::Version("an unknown variant")),
        Err(_) => Err(Fault::Peer("bytes that are no such message")),
    }
}

/// At most `MAX` items; encoded as their number and the items, as bincode does for `Vec`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T, const MAX: usize>(pub Vec<T>);

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        List(Vec::new())
    }
}

impl<T, const MAX: usize> From<Vec<T>> for List<T, MAX> {
    fn from(items: Vec<T>) -> Self {
        List(items)
    }
}

impl<T: Encode, const MAX: usize> Encode for List<T, MAX> {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        (self.0.len() as u64).encode(encoder)?;
        self.0.iter().try_for_each(|item| item.encode(encoder))
    }
}

impl<C, T: Decode<C>, const MAX: usize> Decode<C> for List<T, MAX> {
    fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        let len = bounded_len::<MAX, C, D>(decoder)?;
        let mut items = Vec::new();
        for _ in 0..len {
            items.push(T::decode(decoder)?);
        }
        Ok(List(items))
    }
}

/// At most `MAX` bytes; encoded as their number and the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Blob<const MAX: usize>(pub Vec<u8>);

impl<const MAX: usize> Encode for Blob<MAX> {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        (self.0.len() as u64).encode(encoder)?;
        encoder.writer().write(&self.0)
    }
}

impl<C, const MAX: usize> Decode<C> for Blob<MAX> {
    fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        let len = bounded_len::<MAX, C, D>(decoder)?;
        Ok(Blob(read_bytes::<C, D>(decoder, len)?))
    }
}

/// A text of at most `MAX` bytes of UTF-8; encoded as bincode does for `String`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Txt<const MAX: usize>(pub String);

impl<const MAX: usize> From<&str> for Txt<MAX> {
    fn from(text: &str) -> Self {
        Txt(text.to_owned())
    }
}

impl<const MAX: usize> Encode for Txt<MAX> {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.0.encode(encoder)
    }
}

impl<C, const MAX: usize> Decode<C> for Txt<MAX> {
    fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        let len = bounded_len::<MAX, C, D>(decoder)?;
        let bytes = read_bytes::<C, D>(decoder, len)?;
        String::from_utf8(bytes).map(Txt).map_err(|_| DecodeError::Other("text that is not UTF-8"))
    }
}

// The library's derive asks for these twins; nothing here borrows from its input.

impl<'de, C, T: Decode<C>, const MAX: usize> BorrowDecode<'de, C> for List<T, MAX> {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        Self::decode(decoder)
    }
}

impl<'de, C, const MAX: usize> BorrowDecode<'de, C> for Blob<MAX> {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        Self::decode(decoder)
    }
}

impl<'de, C, const MAX: usize> BorrowDecode<'de, C> for Txt<MAX> {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(decoder: &mut D) -> Result<Self, DecodeError> {
        Self::decode(decoder)
    }
}

fn bounded_len<const MAX: usize, C, D: Decoder<Context = C>>(decoder: &mut D) -> Result<usize, DecodeError> {
    let len = u64::decode(decoder)?;
    match usize::try_from(len) {
        Ok(len) if len <= MAX => Ok(len),
        _ => Err(DecodeError::LimitExceeded),
    }
}

/// Reads `len` bytes in steps, so that a length without bytes behind it allocates one step at most.
fn read_bytes<C, D: Decoder<Context = C>>(decoder: &mut D, len: usize) -> Result<Vec<u8>, DecodeError> {
    const STEP: usize = 4096;
    let mut bytes = Vec::new();
    while bytes.len() < len {
        let start = bytes.len();
        bytes.resize(len.min(start + STEP), 0);
        let (_, fresh) = bytes.split_at_mut(start);
        decoder.reader().read(fresh)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounded_types_have_the_bytes_of_the_plain_ones() {
        let items = vec!["ab".to_owned(), "c".to_owned()];
        let bounded: List<Txt<4>, 8> = List(items.iter().map(|s| Txt(s.clone())).collect());
        assert_eq!(encode(&bounded), encode(&items));
        assert_eq!(encode(&Blob::<9>(vec![1, 2, 3])), encode(&vec![1_u8, 2, 3]));
        assert_eq!(decode::<List<Txt<4>, 8>>(&encode(&items)).unwrap(), bounded);
    }

    #[test]
    fn a_longer_list_than_its_bound_is_refused_before_it_is_read() {
        let announced_a_terabyte = [253, 0, 0, 0, 0, 0, 1, 0, 0];
        assert!(matches!(decode::<Blob<1000>>(&announced_a_terabyte), Err(Fault::Limit(_))));
        assert!(matches!(decode::<List<u8, 2>>(&[3, 1, 2, 3]), Err(Fault::Limit(_))));
    }

    #[test]
    fn what_follows_a_message_is_refused() {
        assert_eq!(decode::<u8>(&[1, 2]), Err(Fault::Peer("bytes after the end of a message")));
    }
}
