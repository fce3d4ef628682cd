//! The machine with a stack that a pickle is a program for.

use std::collections::HashMap;

use super::{Bytes, Id, Pickle, Value, call};

/// CIFAR's largest file makes 150,000 values.
const MOST_VALUES: usize = 1 << 21;
const CUT_OFF: &str = "is cut off within a pickle";
const NOT_A_STACK: &str = "is damaged: an operation of its pickle lacks its values";

type Step<T> = Result<T, String>;

pub(super) struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    pub(super) values: Vec<Value<'a>>,
    stack: Vec<Id>,
    /// How high the stack was at each mark.
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
    /// Bytes that functions made.
    made: usize,
}

/// The values that the pickle makes.
pub(super) fn run(bytes: &[u8]) -> Step<Pickle<'_>> {
    if bytes.first() != Some(&0x80) {
        return Err("is no pickle of protocol 2 or later".to_owned());
    }
    let mut machine = Machine {
        bytes,
        at: 0,
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        made: 0,
    };
    loop {
        let code = machine.byte()?;
        if code == b'.' {
            let root = machine.pop()?;
            return Ok(Pickle { values: machine.values, root });
        }
        machine.step(code)?;
    }
}

impl<'a> Machine<'a> {
    fn step(&mut self, code: u8) -> Step<()> {
        match code {
            // PROTO, FRAME
            0x80 => self.take(1).map(drop),
            0x95 => self.take(8).map(drop),
            b'(' => {
                self.marks.push(self.stack.len());
                Self::bounded(self.marks.len())
            }
            b'0' => self.pop().map(drop),
            b'2' => self.top().and_then(|id| self.push_id(id)),
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Int(1)),
            0x89 => self.push(Value::Int(0)),
            b'K' => self.whole(1, Sign::Without),
            b'M' => self.whole(2, Sign::Without),
            b'J' => self.whole(4, Sign::With),
            0x8a => {
                let length = self.byte()?;
                self.whole(usize::from(length), Sign::With)
            }
            b'G' => self.take(8).and_then(|_| self.push(Value::None)),
            // Texts and bytes with lengths of one, four and eight bytes.
            b'U' | b'C' | 0x8c => self.text(1),
            b'T' | b'X' | b'B' => self.text(4),
            0x8d | 0x8e | 0x96 => self.text(8),
            b'}' => self.push(Value::Dict(Vec::new())),
            b']' => self.push(Value::List(Vec::new())),
            b')' => self.push(Value::Tuple(Vec::new())),
            0x85..=0x87 => {
                let items = self.pop_some(usize::from(code - 0x84))?;
                self.push(Value::Tuple(items))
            }
            b't' => {
                let items = self.pop_marked()?;
                self.push(Value::Tuple(items))
            }
            b'a' => {
                let items = self.pop_some(1)?;
                self.append(items)
            }
            b'e' => {
                let items = self.pop_marked()?;
                self.append(items)
            }
            b's' => {
                let items = self.pop_some(2)?;
                self.insert(&items)
            }
            b'u' => {
                let items = self.pop_marked()?;
                self.insert(&items)
            }
            _ => self.refer(code),
        }
    }

    /// Operations of the memo, and calls.
    fn refer(&mut self, code: u8) -> Step<()> {
        match code {
            b'q' => self.number(1).and_then(|key| self.remember(key)),
            b'r' => self.number(4).and_then(|key| self.remember(key)),
            0x94 => self.remember(self.memo.len() as u64),
            b'h' => self.number(1).and_then(|key| self.recall(key)),
            b'j' => self.number(4).and_then(|key| self.recall(key)),
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.push(Value::Function(call::named(module, name)?))
            }
            0x93 => {
                let items = self.pop_some(2)?;
                let [Value::Bytes(module), Value::Bytes(name)] =
                    [items[0], items[1]].map(|id| &self.values[id])
                else {
                    return Err(NOT_A_STACK.to_owned());
                };
                let function = call::named(module, name)?;
                self.push(Value::Function(function))
            }
            b'R' => {
                let items = self.pop_some(2)?;
                let value = call::call(&self.values, items[0], items[1])?;
                self.count(&value)?;
                self.push(value)
            }
            b'b' => {
                let items = self.pop_some(2)?;
                let built = call::build(&self.values, items[0], items[1])?;
                self.values[items[0]] = built;
                self.push_id(items[0])
            }
            _ => Err(format!("holds operation 0x{code:02x} of pickles, which no NumPy array needs")),
        }
    }

    fn take(&mut self, length: usize) -> Step<&'a [u8]> {
        let end = self.at.checked_add(length);
        let taken = end.and_then(|end| self.bytes.get(self.at..end)).ok_or(CUT_OFF)?;
        self.at += length;
        Ok(taken)
    }

    fn byte(&mut self) -> Step<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn number(&mut self, bytes: usize) -> Step<u64> {
        let mut wide = [0; 8];
        wide[..bytes].copy_from_slice(self.take(bytes)?);
        Ok(u64::from_le_bytes(wide))
    }

    fn line(&mut self) -> Step<&'a [u8]> {
        let length = self.bytes[self.at..].iter().position(|&byte| byte == b'\n').ok_or(CUT_OFF)?;
        let line = self.take(length)?;
        self.take(1)?;
        Ok(line)
    }

    fn whole(&mut self, length: usize, sign: Sign) -> Step<()> {
        let bytes = self.take(length)?;
        if length > 8 {
            return self.push(Value::None);
        }
        let negative = sign == Sign::With && bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        wide[..length].copy_from_slice(bytes);
        self.push(Value::Int(i64::from_le_bytes(wide)))
    }

    fn text(&mut self, length_bytes: usize) -> Step<()> {
        let length = usize::try_from(self.number(length_bytes)?).map_err(|_| CUT_OFF)?;
        let bytes = self.take(length)?;
        self.push(Value::Bytes(Bytes::OfFile(bytes)))
    }

    fn push(&mut self, value: Value<'a>) -> Step<()> {
        self.values.push(value);
        Self::bounded(self.values.len())?;
        self.push_id(self.values.len() - 1)
    }

    fn push_id(&mut self, id: Id) -> Step<()> {
        self.stack.push(id);
        Self::bounded(self.stack.len())
    }

    fn bounded(count: usize) -> Step<()> {
        if count <= MOST_VALUES { Ok(()) } else { Err(format!("holds more than {MOST_VALUES} values")) }
    }

    /// Each byte that a function makes stands in the file, too; a pickle that uses a text again and again makes more.
    fn count(&mut self, value: &Value<'_>) -> Step<()> {
        if let Value::Bytes(Bytes::Made(bytes)) = value {
            self.made += bytes.len();
        }
        if self.made <= self.bytes.len() { Ok(()) } else { Err("makes more bytes than it holds".to_owned()) }
    }

    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Step<Id> {
        let above = self.stack.get(self.floor()..).unwrap_or_default();
        Ok(*above.last().ok_or(NOT_A_STACK)?)
    }

    fn pop(&mut self) -> Step<Id> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    /// The topmost `count`, the last one last.
    fn pop_some(&mut self, count: usize) -> Step<Vec<Id>> {
        let start = self.stack.len().checked_sub(count).filter(|start| *start >= self.floor());
        Ok(self.stack.split_off(start.ok_or(NOT_A_STACK)?))
    }

    fn pop_marked(&mut self) -> Step<Vec<Id>> {
        let mark = self.marks.pop().filter(|mark| *mark <= self.stack.len()).ok_or(NOT_A_STACK)?;
        Ok(self.stack.split_off(mark))
    }

    fn append(&mut self, items: Vec<Id>) -> Step<()> {
        let list = self.top()?;
        match &mut self.values[list] {
            Value::List(list) => list.extend(items),
            _ => return Err(NOT_A_STACK.to_owned()),
        }
        Ok(())
    }

    fn insert(&mut self, items: &[Id]) -> Step<()> {
        let (pairs, rest) = items.as_chunks::<2>();
        let dict = self.top()?;
        match &mut self.values[dict] {
            Value::Dict(dict) if rest.is_empty() => {
                dict.extend(pairs.iter().map(|&[key, value]| (key, value)));
            }
            _ => return Err(NOT_A_STACK.to_owned()),
        }
        Ok(())
    }

    fn remember(&mut self, key: u64) -> Step<()> {
        let top = self.top()?;
        self.memo.insert(key, top);
        Self::bounded(self.memo.len())
    }

    fn recall(&mut self, key: u64) -> Step<()> {
        let id =
            self.memo.get(&key).copied().ok_or("is damaged: its pickle recalls a value it never made")?;
        self.push_id(id)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Sign {
    With,
    Without,
}
