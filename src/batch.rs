//! The chunks of one read, as JavaScript takes them over: all their texts in one string, and numbers that say what each
//! part of it is. One crossing, one decoding of UTF-8, however many chunks there are.
//!
//! The numbers begin with a [`HEADER`]: how many items there are, where their text is and how many bytes it has, whether
//! the stream is over with them, whether a text among them is JSON, where the next bytes may be put and how many of
//! them, and how many chunks were read. Those of an item follow, lengths in UTF-16 units. Of a chunk:
//!
//! | kind | then |
//! |---|---|
//! | [`JSON`] | the length of its JSON |
//! | [`LEARNT`] | the length of its JSON, the number of its shape, the length of the paths of its holes |
//! | [`SHAPED`] + number | the length of the value in each hole |
//!
//! Of the text of a chunk, where only that is wanted: how many chunks there are up to this one, and the length of the
//! text, doubled; one more when it is a JSON string, because UTF-8 cannot hold what is in it.

use crate::json::RawString;
use crate::sse::empty;
use crate::stream::{ChunkStream, Form, Piece};
use crate::text::{self, TOPS};

/// How many numbers come before those of the first item.
pub const HEADER: usize = 8;

/// A chunk to be parsed.
pub const JSON: u32 = 0;
/// A chunk to be parsed and kept: those of its shape come as values alone.
pub const LEARNT: u32 = 1;
/// A chunk of the shape with the number that is added to this.
pub const SHAPED: u32 = 2;

/// The chunks of one read, or their texts.
#[derive(Debug)]
pub struct Batch {
    numbers: Vec<u32>,
    text: Vec<u8>,
    items: u32,
    pieces: u32,
    any_json: bool,
}

impl Default for Batch {
    fn default() -> Self {
        Self { numbers: [0; HEADER].to_vec(), text: Vec::new(), items: 0, pieces: 0, any_json: false }
    }
}

impl Batch {
    /// Forgets the last read, and keeps its memory for the next.
    pub fn clear(&mut self) {
        self.numbers.truncate(HEADER);
        empty(&mut self.text);
        self.items = 0;
        self.pieces = 0;
        self.any_json = false;
    }

    /// Adds a chunk.
    pub fn add(&mut self, piece: &Piece<'_>) {
        self.items += 1;
        self.pieces += 1;
        match piece.form {
            Form::Read => {
                self.numbers.push(JSON);
                self.add_text(piece.json_bytes());
            }
            Form::Learnt(number, shape) => {
                self.numbers.push(LEARNT);
                self.add_text(piece.json_bytes());
                self.numbers.push(index(number));
                self.add_text(shape.paths().as_bytes());
            }
            Form::Shaped(number, values, event) => {
                self.numbers.push(SHAPED + index(number));
                for value in values {
                    let bytes = value.of(event);
                    if value.plain {
                        self.numbers.push(index(bytes.len()));
                        self.text.extend_from_slice(bytes);
                    } else {
                        // Valid UTF-8: a value that is not has no shape.
                        let text = std::str::from_utf8(bytes).unwrap_or_default();
                        self.add_text(RawString::new(text).text().as_bytes());
                    }
                }
            }
        }
    }

    /// Adds the text of a chunk, where it has any.
    pub fn add_text_of(&mut self, piece: &Piece<'_>) {
        self.pieces += 1;
        let Some(text) = piece.text() else { return };
        self.items += 1;
        self.numbers.push(self.pieces);
        let whole = text.whole();
        let is_json = whole.is_none();
        self.any_json |= is_json;
        match whole {
            Some(text) => self.add_text(text.as_bytes()),
            None => self.add_text(text::concat(&["\"", text.raw(), "\""]).as_bytes()),
        }
        if let Some(length) = self.numbers.last_mut() {
            *length = *length << 1 | u32::from(is_json);
        }
    }

    /// Writes the header of what was added to what this stream has given, and returns all numbers.
    pub fn finish(&mut self, stream: &ChunkStream) -> &[u32] {
        let place = |bytes: &[u8]| [index(bytes.as_ptr() as usize), index(bytes.len())];
        let ([at, length], [space_at, space]) = (place(&self.text), place(stream.space()));
        let ended = stream.has_ended().into();
        let header = [self.items, at, length, ended, self.any_json.into(), space_at, space, self.pieces];
        for (slot, number) in self.numbers.iter_mut().zip(header) {
            *slot = number;
        }
        &self.numbers
    }

    /// The texts of all items, in UTF-8.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    fn add_text(&mut self, text: &[u8]) {
        self.numbers.push(index(utf16_length(text)));
        self.text.extend_from_slice(text);
    }
}

/// One unit for each character, two for those outside the basic plane, which have four bytes in UTF-8. Where there are no
/// others than ASCII, eight bytes are counted in one step.
fn utf16_length(text: &[u8]) -> usize {
    let (words, tail) = text.as_chunks::<8>();
    let units = |bytes: &[u8]| -> usize {
        bytes.iter().map(|byte| usize::from(byte & 0xc0 != 0x80) + usize::from(*byte >= 0xf0)).sum()
    };
    let is_ascii = |word: &[u8; 8]| u64::from_le_bytes(*word) & TOPS == 0;
    units(tail) + words.iter().map(|word| if is_ascii(word) { 8 } else { units(word) }).sum::<usize>()
}

/// Everything counted here fits in the memory of a wasm module, whose addresses have 32 bits.
fn index(number: usize) -> u32 {
    number.try_into().unwrap_or(u32::MAX)
}
