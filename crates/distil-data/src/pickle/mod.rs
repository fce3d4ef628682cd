//! Python's pickles, read without running anything.
//!
//! A pickle is a program for a machine with a stack, and Python runs whatever functions it names. This reader knows plain
//! values (numbers, texts, bytes, lists, tuples, dictionaries) and the few functions that arrays of NumPy are made with, in
//! the protocols 2 to 5 of Python 2 and 3. It refuses anything else by its name, so that a pickle can do no harm.

mod call;
mod machine;
#[cfg(test)]
pub(crate) mod tests;

use std::ops::Deref;
use std::path::Path;
use std::rc::Rc;

use crate::error::Error;

pub(crate) const REMEDY: &str =
    "replace it with a good copy, or save plain lists and NumPy arrays with pickle.dump(…, protocol=2)";

/// A value's place in [`Pickle`].
pub(crate) type Id = usize;

/// A value. Texts and bytes are one kind, as they are in Python 2.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    /// Also stands for what no data set needs: floating-point numbers and whole numbers beyond 64 bits.
    None,
    Int(i64),
    Bytes(Bytes<'a>),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Function(call::Function),
    Type(Number),
    Array(Array<'a>),
}

/// Bytes of the file, or those that a function made of them. They are shared, not copied, however often a pickle recalls
/// them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Bytes<'a> {
    OfFile(&'a [u8]),
    Made(Rc<[u8]>),
}

impl Deref for Bytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::OfFile(bytes) => bytes,
            Self::Made(bytes) => bytes,
        }
    }
}

/// How an array's numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Number {
    /// `u` or `i`, or `b` for truth values; others as NumPy writes them.
    kind: u8,
    bytes: usize,
    big_endian: bool,
}

/// An array of NumPy, rows first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Array<'a> {
    pub(crate) shape: Vec<usize>,
    number: Number,
    bytes: Bytes<'a>,
}

/// A pickle that was read: its values, and which of them is the whole.
#[derive(Debug)]
pub(crate) struct Pickle<'a> {
    values: Vec<Value<'a>>,
    root: Id,
}

/// Reads a whole pickle.
pub(crate) fn parse<'a>(path: &Path, bytes: &'a [u8]) -> Result<Pickle<'a>, Error> {
    machine::run(bytes).map_err(|problem| Error::format(path, problem, REMEDY))
}

impl<'a> Pickle<'a> {
    fn get(&self, id: Id) -> &Value<'a> {
        &self.values[id]
    }

    /// What the dictionary that is the whole holds under a key, which may be text or bytes.
    pub(crate) fn entry(&self, key: &str) -> Option<&Value<'a>> {
        let Value::Dict(entries) = self.get(self.root) else { return None };
        let is_key = |id: Id| matches!(self.get(id), Value::Bytes(name) if **name == *key.as_bytes());
        // As in Python, the last one of a key counts.
        entries.iter().rev().find(|(name, _)| is_key(*name)).map(|(_, value)| self.get(*value))
    }

    /// The keys of that dictionary, for messages.
    pub(crate) fn keys(&self) -> Vec<String> {
        let Value::Dict(entries) = self.get(self.root) else { return Vec::new() };
        let name = |(id, _): &(Id, Id)| match self.get(*id) {
            Value::Bytes(name) => String::from_utf8_lossy(name).escape_default().to_string(),
            other => format!("{other:?}"),
        };
        entries.iter().take(12).map(name).collect()
    }

    /// Whole numbers, of a list, a tuple or an array.
    pub(crate) fn numbers(&self, value: &Value<'_>) -> Option<Vec<i64>> {
        let number = |id: &Id| match self.get(*id) {
            Value::Int(number) => Some(*number),
            _ => None,
        };
        match value {
            Value::List(items) | Value::Tuple(items) => items.iter().map(number).collect(),
            Value::Array(array) => array.numbers(),
            _ => None,
        }
    }
}

impl Number {
    /// The number that `bytes` are.
    fn read(self, bytes: &[u8]) -> Option<i64> {
        if bytes.len() != self.bytes || !matches!(self.bytes, 1 | 2 | 4 | 8) {
            return None;
        }
        let mut wide = [0; 8];
        wide[..self.bytes].copy_from_slice(bytes);
        if self.big_endian {
            wide[..self.bytes].reverse();
        }
        let unused = 64 - 8 * self.bytes as u32;
        let raised = i64::from_le_bytes(wide) << unused;
        match self.kind {
            b'i' => Some(raised >> unused),
            b'u' | b'b' => Some((raised as u64 >> unused) as i64),
            _ => None,
        }
    }
}

impl Array<'_> {
    /// Its values, where each is a byte.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        (self.number.kind == b'u' && self.number.bytes == 1).then_some(&*self.bytes)
    }

    fn numbers(&self) -> Option<Vec<i64>> {
        if self.number.bytes == 0 {
            return None;
        }
        self.bytes.chunks(self.number.bytes).map(|bytes| self.number.read(bytes)).collect()
    }
}
