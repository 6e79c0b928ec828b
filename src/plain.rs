//! Plain data on its way out. One type for all values, and maps rather than structs: serde's generic code is compiled
//! once, and serde-wasm-bindgen's hash table of field names is not needed. Together 5 kB of wasm.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// A value, borrowed from what is serialised.
pub enum Plain<'a> {
    /// No value.
    Null,
    Text(&'a str),
    Integer(u16),
    Number(f64),
    Texts(&'a [String]),
    Map(&'a [(&'static str, Plain<'a>)]),
    /// A member that is left out of its map.
    Absent,
}

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null | Self::Absent => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Integer(number) => serializer.serialize_u16(*number),
            Self::Number(number) => serializer.serialize_f64(*number),
            Self::Texts(texts) => {
                let mut list = serializer.serialize_seq(Some(texts.len()))?;
                for text in *texts {
                    list.serialize_element(&Self::Text(text))?;
                }
                list.end()
            }
            Self::Map(members) => {
                let mut map = serializer.serialize_map(None)?;
                for (name, value) in *members {
                    if !matches!(value, Self::Absent) {
                        map.serialize_entry(&Self::Text(name), value)?;
                    }
                }
                map.end()
            }
        }
    }
}
