//! The chunks of one read, as JavaScript takes them over: all their texts in one string, and numbers that say what each
//! part of it is. One crossing, one decoding of UTF-8, however many chunks there are.
//!
//! The numbers begin with a [`HEADER`]: how many chunks there are, where their text is and how many bytes it has, and how
//! many numbers there are in all. Those of a chunk follow, lengths in UTF-16 units:
//!
//! | kind | then |
//! |---|---|
//! | [`JSON`] | the length of its JSON |
//! | [`LEARNT`] | the length of its JSON, the number of its shape, the length of the paths of its holes |
//! | [`SHAPED`] + number | the length of the value in each hole |

use crate::json::RawString;
use crate::stream::Piece;

/// How many numbers come before those of the first chunk.
pub const HEADER: usize = 4;

/// A chunk to be parsed.
pub const JSON: u32 = 0;
/// A chunk to be parsed and kept: those of its shape come as values alone.
pub const LEARNT: u32 = 1;
/// A chunk of the shape with the number that is added to this.
pub const SHAPED: u32 = 2;

/// The chunks of one read.
#[derive(Debug)]
pub struct Batch {
    numbers: Vec<u32>,
    text: Vec<u8>,
}

impl Default for Batch {
    fn default() -> Self {
        Self { numbers: vec![0; HEADER], text: Vec::new() }
    }
}

impl Batch {
    /// Forgets the last read, and keeps its memory for the next.
    pub fn clear(&mut self) {
        self.numbers.clear();
        self.numbers.resize(HEADER, 0);
        self.text.clear();
    }

    /// Adds a chunk.
    pub fn add(&mut self, piece: &Piece<'_>) {
        if let Some(count) = self.numbers.first_mut() {
            *count += 1;
        }
        match piece {
            Piece::Json(json) => {
                self.numbers.push(JSON);
                self.add_text(json);
            }
            Piece::Learnt(number, json, shape) => {
                self.numbers.push(LEARNT);
                self.add_text(json);
                self.numbers.push(index(*number));
                self.add_text(shape.paths());
            }
            Piece::Shaped(number, values, event, _) => {
                self.numbers.push(SHAPED + index(*number));
                for (value, escaped) in values.iter(event) {
                    // Valid UTF-8: a value that is not has no shape.
                    let value = std::str::from_utf8(value).unwrap_or_default();
                    if escaped {
                        self.add_text(&RawString::new(value).text());
                    } else {
                        self.add_text(value);
                    }
                }
            }
        }
    }

    /// Writes the header of what was added, and returns all numbers.
    pub fn finish(&mut self) -> &[u32] {
        let header = [self.text.as_ptr() as usize, self.text.len(), self.numbers.len()];
        for (slot, number) in self.numbers.iter_mut().skip(1).zip(header) {
            *slot = index(number);
        }
        &self.numbers
    }

    /// The texts of all chunks, in UTF-8.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    fn add_text(&mut self, text: &str) {
        self.numbers.push(index(utf16_length(text)));
        self.text.extend_from_slice(text.as_bytes());
    }
}

/// One unit for each character, two for those outside the basic plane, which have four bytes in UTF-8.
fn utf16_length(text: &str) -> usize {
    text.bytes().map(|byte| usize::from(byte & 0xc0 != 0x80) + usize::from(byte >= 0xf0)).sum()
}

/// Everything counted here fits in the memory of a wasm module, whose addresses have 32 bits.
fn index(number: usize) -> u32 {
    number.try_into().unwrap_or(u32::MAX)
}
