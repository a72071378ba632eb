//! Python's pickles, read without executing anything.
//!
//! A pickle is a program for a machine with a stack, and one of its instructions calls any
//! function by name. Here a name stays a name: calls of the few that NumPy's arrays are made
//! with are recognised, everything else becomes a value that nothing can be read from. No
//! instruction takes more memory than it has bytes. Sources: Python's `pickletools.py`;
//! `numpy/core/src/multiarray/methods.c`, `array_reduce`.
//!
//! Rejected: the crate `serde-pickle`, which refuses the calls that arrays need.

mod values;

use std::collections::HashMap;

use bakeoff_npy::{Array, Elements, Type};

/// A value's place among all of a pickle.
pub(crate) type Id = usize;

/// A value.
#[derive(Clone, Debug)]
enum Value {
    Nothing,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Bytes(std::ops::Range<usize>),
    /// Text that stood for bytes, in Latin-1.
    Owned(Vec<u8>),
    Text(String),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Name(String),
    /// A NumPy type in its notation, without the order of bytes.
    Type(String, bool),
    /// A NumPy array whose state is not known yet.
    EmptyArray,
    /// Shape, type, order of dimensions and bytes.
    Array {
        dims: Vec<usize>,
        kind: Id,
        fortran: bool,
        data: Id,
    },
    /// The result of a call that nobody makes.
    Opaque,
}

/// A pickle that was read.
pub(crate) struct Pickle<'a> {
    bytes: &'a [u8],
    values: Vec<Value>,
    root: Id,
}

/// The most values in a pickle: a list of a million labels has a million.
const MAX_VALUES: usize = 100_000_000;

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    values: Vec<Value>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<u64, Id>,
}

/// Reads a pickle of any protocol.
pub(crate) fn parse(bytes: &[u8]) -> Result<Pickle<'_>, String> {
    let mut machine = Machine {
        bytes,
        at: 0,
        values: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    let root = machine.run()?;
    Ok(Pickle {
        bytes,
        values: machine.values,
        root,
    })
}

impl<'a> Machine<'a> {
    fn wrong<T>(&self, what: &str) -> Result<T, String> {
        Err(format!("byte {}: {what}", self.at))
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], String> {
        let end = usize::try_from(count)
            .ok()
            .and_then(|count| self.at.checked_add(count));
        let Some(taken) = end.and_then(|end| self.bytes.get(self.at..end)) else {
            return self.wrong("the pickle is cut short");
        };
        self.at += taken.len();
        Ok(taken)
    }

    fn number(&mut self, bytes: u64) -> Result<u64, String> {
        let mut wide = [0; 8];
        for (place, byte) in wide.iter_mut().zip(self.take(bytes)?) {
            *place = *byte;
        }
        Ok(u64::from_le_bytes(wide))
    }

    /// Up to the end of the line.
    fn line(&mut self) -> Result<String, String> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(length) = rest.iter().position(|&byte| byte == b'\n') else {
            return self.wrong("the pickle is cut short");
        };
        self.at += length + 1;
        Ok(String::from_utf8_lossy(&rest[..length])
            .trim_end_matches('\r')
            .to_owned())
    }

    fn push(&mut self, value: Value) -> Result<(), String> {
        if self.values.len() >= MAX_VALUES {
            return self.wrong("the pickle has too many values");
        }
        self.values.push(value);
        self.stack.push(self.values.len() - 1);
        Ok(())
    }

    fn pop(&mut self) -> Result<Id, String> {
        let above = self.marks.last().copied().unwrap_or(0);
        match self.stack.len() > above {
            true => Ok(self.stack.pop().unwrap_or_default()),
            false => self.wrong("the pickle takes a value where there is none"),
        }
    }

    fn top(&self) -> Result<Id, String> {
        match self.stack.last() {
            Some(id) => Ok(*id),
            None => self.wrong("the pickle takes a value where there is none"),
        }
    }

    /// All values above the last mark.
    fn above_mark(&mut self) -> Result<Vec<Id>, String> {
        match self.marks.pop() {
            Some(mark) if mark <= self.stack.len() => Ok(self.stack.split_off(mark)),
            _ => self.wrong("the pickle lacks a mark"),
        }
    }

    fn bytes_value(&mut self, length: u64) -> Result<(), String> {
        let start = self.at;
        self.take(length)?;
        self.push(Value::Bytes(start..self.at))
    }

    fn text_value(&mut self, length: u64) -> Result<(), String> {
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        self.push(Value::Text(text))
    }

    fn append(&mut self, items: &[Id]) -> Result<(), String> {
        let list = self.top()?;
        match self.values.get_mut(list) {
            Some(Value::List(list)) => list.extend(items),
            Some(Value::Opaque) => {}
            _ => return self.wrong("the pickle appends to what is no list"),
        }
        Ok(())
    }

    fn set(&mut self, items: &[Id]) -> Result<(), String> {
        let dict = self.top()?;
        let (pairs, _) = items.as_chunks::<2>();
        match self.values.get_mut(dict) {
            Some(Value::Dict(dict)) => dict.extend(pairs.iter().map(|[key, value]| (*key, *value))),
            Some(Value::Opaque) => {}
            _ => return self.wrong("the pickle sets items of what is no dict"),
        }
        Ok(())
    }

    fn run(&mut self) -> Result<Id, String> {
        loop {
            let code = self.take(1)?[0];
            match code {
                b'.' => return self.top(),
                0x80 => drop(self.take(1)?),
                0x95 => drop(self.take(8)?),
                b'(' => self.marks.push(self.stack.len()),
                b'0' => drop(self.pop()?),
                b'1' => drop(self.above_mark()?),
                b'2' => {
                    let top = self.top()?;
                    self.stack.push(top);
                }
                b'N' => self.push(Value::Nothing)?,
                0x88 => self.push(Value::Bool(true))?,
                0x89 => self.push(Value::Bool(false))?,
                b'J' => {
                    let number = self.number(4)? as u32;
                    self.push(Value::Integer(i64::from(number.cast_signed())))?;
                }
                b'K' => {
                    let number = self.number(1)?;
                    self.push(Value::Integer(number.cast_signed()))?;
                }
                b'M' => {
                    let number = self.number(2)?;
                    self.push(Value::Integer(number.cast_signed()))?;
                }
                0x8a | 0x8b => {
                    let length = self.number(if code == 0x8a { 1 } else { 4 })?;
                    let bytes = self.take(length)?;
                    if bytes.len() > 8 {
                        self.push(Value::Opaque)?;
                        continue;
                    }
                    let negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
                    let mut wide = [if negative { 0xff } else { 0 }; 8];
                    wide[..bytes.len()].copy_from_slice(bytes);
                    self.push(Value::Integer(i64::from_le_bytes(wide)))?;
                }
                b'I' | b'L' => {
                    let line = self.line()?;
                    let value = match line.as_str() {
                        "00" => Value::Bool(false),
                        "01" => Value::Bool(true),
                        line => match line.trim_end_matches('L').parse() {
                            Ok(number) => Value::Integer(number),
                            Err(_) => return self.wrong("the pickle has a number that is none"),
                        },
                    };
                    self.push(value)?;
                }
                b'F' => {
                    let line = self.line()?;
                    self.push(Value::Float(line.parse().unwrap_or(f64::NAN)))?;
                }
                b'G' => {
                    let bits = self.number(8)?.swap_bytes();
                    self.push(Value::Float(f64::from_bits(bits)))?;
                }
                b'S' => {
                    let line = self.line()?;
                    let text = line.trim_matches(['\'', '"']).to_owned();
                    self.push(Value::Text(text))?;
                }
                b'V' => {
                    let line = self.line()?;
                    self.push(Value::Text(line))?;
                }
                b'T' | b'B' => {
                    let length = self.number(4)?;
                    self.bytes_value(length)?;
                }
                b'U' | b'C' => {
                    let length = self.number(1)?;
                    self.bytes_value(length)?;
                }
                0x8e | 0x96 => {
                    let length = self.number(8)?;
                    self.bytes_value(length)?;
                }
                b'X' => {
                    let length = self.number(4)?;
                    self.text_value(length)?;
                }
                0x8c => {
                    let length = self.number(1)?;
                    self.text_value(length)?;
                }
                0x8d => {
                    let length = self.number(8)?;
                    self.text_value(length)?;
                }
                b'}' => self.push(Value::Dict(Vec::new()))?,
                b']' => self.push(Value::List(Vec::new()))?,
                b')' => self.push(Value::Tuple(Vec::new()))?,
                b'd' => {
                    let items = self.above_mark()?;
                    self.push(Value::Dict(Vec::new()))?;
                    self.set(&items)?;
                }
                b'l' => {
                    let items = self.above_mark()?;
                    self.push(Value::List(items))?;
                }
                b't' => {
                    let items = self.above_mark()?;
                    self.push(Value::Tuple(items))?;
                }
                0x85..=0x87 => {
                    let mut items = vec![0; usize::from(code - 0x84)];
                    for item in items.iter_mut().rev() {
                        *item = self.pop()?;
                    }
                    self.push(Value::Tuple(items))?;
                }
                b'a' => {
                    let item = self.pop()?;
                    self.append(&[item])?;
                }
                b'e' => {
                    let items = self.above_mark()?;
                    self.append(&items)?;
                }
                b's' => {
                    let value = self.pop()?;
                    let key = self.pop()?;
                    self.set(&[key, value])?;
                }
                b'u' => {
                    let items = self.above_mark()?;
                    self.set(&items)?;
                }
                b'q' | b'r' | b'p' | 0x94 => {
                    let place = match code {
                        b'q' => self.number(1)?,
                        b'r' => self.number(4)?,
                        b'p' => self.line()?.parse().unwrap_or(u64::MAX),
                        _ => self.memo.len() as u64,
                    };
                    let top = self.top()?;
                    self.memo.insert(place, top);
                }
                b'h' | b'j' | b'g' => {
                    let place = match code {
                        b'h' => self.number(1)?,
                        b'j' => self.number(4)?,
                        _ => self.line()?.parse().unwrap_or(u64::MAX),
                    };
                    match self.memo.get(&place) {
                        Some(id) => self.stack.push(*id),
                        None => return self.wrong("the pickle takes what it never kept"),
                    }
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.push(Value::Name(format!("{module}.{name}")))?;
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    let name = format!("{}.{}", self.text(module), self.text(name));
                    self.push(Value::Name(name))?;
                }
                b'R' | 0x81 => {
                    let (arguments, function) = (self.pop()?, self.pop()?);
                    let value = self.call(function, arguments);
                    self.push(value)?;
                }
                b'b' => {
                    let state = self.pop()?;
                    let object = self.top()?;
                    self.build(object, state);
                }
                // A buffer that is not in the file, an object of a class, …
                _ => return self.wrong(&format!("the instruction {code:#04x} is not read")),
            }
        }
    }

    fn text(&self, id: Id) -> String {
        match self.values.get(id) {
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Bytes(range)) => {
                String::from_utf8_lossy(self.bytes.get(range.clone()).unwrap_or_default())
                    .into_owned()
            }
            _ => String::new(),
        }
    }

    fn items(&self, id: Id) -> &[Id] {
        match self.values.get(id) {
            Some(Value::Tuple(items) | Value::List(items)) => items,
            _ => &[],
        }
    }

    fn sizes(&self, id: Id) -> Option<Vec<usize>> {
        let size = |id: &Id| match self.values.get(*id) {
            Some(Value::Integer(size)) => usize::try_from(*size).ok(),
            _ => None,
        };
        self.items(id).iter().map(size).collect()
    }

    /// What a call of a known function stands for.
    fn call(&self, function: Id, arguments: Id) -> Value {
        let Some(Value::Name(name)) = self.values.get(function) else {
            return Value::Opaque;
        };
        let arguments = self.items(arguments);
        let last = name.rsplit('.').next().unwrap_or_default();
        match (name.starts_with("numpy"), last, arguments) {
            (true, "_reconstruct", _) => Value::EmptyArray,
            (true, "dtype", [kind, ..]) => Value::Type(self.text(*kind), false),
            (true, "_frombuffer", [data, kind, dims, order]) => match self.sizes(*dims) {
                Some(dims) => Value::Array {
                    dims,
                    kind: *kind,
                    fortran: self.text(*order) == "F",
                    data: *data,
                },
                None => Value::Opaque,
            },
            (true, "scalar", [kind, data]) => self.scalar(*kind, *data),
            (false, "encode", [text, ..]) if name == "_codecs.encode" => {
                // Latin-1: every character is a byte.
                let bytes: Option<Vec<u8>> = match self.values.get(*text) {
                    Some(Value::Text(text)) => text
                        .chars()
                        .map(|c| u8::try_from(u32::from(c)).ok())
                        .collect(),
                    _ => None,
                };
                bytes.map_or(Value::Opaque, Value::Owned)
            }
            (false, "bytes" | "bytearray", []) => Value::Owned(Vec::new()),
            (false, "OrderedDict", _) => Value::Dict(Vec::new()),
            _ => Value::Opaque,
        }
    }

    fn scalar(&self, kind: Id, data: Id) -> Value {
        let array = array_of(self.bytes, &self.values, &[1], kind, false, data);
        match array.map(|array| array.elements) {
            Ok(Elements::Bytes(v)) => v
                .first()
                .map_or(Value::Opaque, |&v| Value::Integer(v.into())),
            Ok(Elements::Integers(v)) => v.first().map_or(Value::Opaque, |&v| Value::Integer(v)),
            Ok(Elements::Floats(v)) => v.first().map_or(Value::Opaque, |&v| Value::Float(v)),
            _ => Value::Opaque,
        }
    }

    /// Gives a NumPy object its state.
    fn build(&mut self, object: Id, state: Id) {
        let state = self.items(state).to_vec();
        let built = match (self.values.get(object), state.as_slice()) {
            (Some(Value::EmptyArray), [_, dims, kind, fortran, data]) => {
                let fortran = matches!(
                    self.values.get(*fortran),
                    Some(Value::Bool(true) | Value::Integer(1))
                );
                self.sizes(*dims).map(|dims| Value::Array {
                    dims,
                    kind: *kind,
                    fortran,
                    data: *data,
                })
            }
            (Some(Value::Type(kind, _)), [_, order, ..]) => {
                Some(Value::Type(kind.clone(), self.text(*order) == ">"))
            }
            _ => None,
        };
        if let (Some(built), Some(place)) = (built, self.values.get_mut(object)) {
            *place = built;
        }
    }
}

fn array_of(
    bytes: &[u8],
    values: &[Value],
    dims: &[usize],
    kind: Id,
    fortran: bool,
    data: Id,
) -> Result<Array, String> {
    let Some(Value::Type(kind, big)) = values.get(kind) else {
        return Err("the array has elements that are not read".into());
    };
    let data = match values.get(data) {
        Some(Value::Bytes(range)) => bytes.get(range.clone()).unwrap_or_default(),
        Some(Value::Owned(data)) => data.as_slice(),
        Some(Value::Text(_)) => {
            return Err("the pickle is of protocol 0, which writes an array's bytes as text and is not read: save it with protocol 2 or a later one".into());
        }
        _ => return Err("the array's bytes are not in the file".into()),
    };
    let order = if *big { '>' } else { '<' };
    let kind = kind.trim_start_matches(['<', '>', '|', '=']);
    Type::of(&format!("{order}{kind}"))
        .and_then(|kind| bakeoff_npy::array(data.into(), dims.to_vec(), kind, fortran))
        .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
