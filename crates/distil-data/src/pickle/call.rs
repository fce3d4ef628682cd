//! The functions a pickle may name: those that NumPy's arrays, and bytes in protocol 2, are made with. None is run; what
//! each would make is known.

use super::{Array, Bytes, Id, Number, Value};

const ODD: &str = "is damaged: an array in its pickle is not described as NumPy does";
/// The longest list of arguments, state or sizes. A pickle may use one again and again.
const MOST_ITEMS: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    /// `numpy.core.multiarray._reconstruct`: an empty array, which `BUILD` fills.
    Reconstruct,
    /// `numpy.core.numeric._frombuffer`: an array of bytes, type, shape and order (protocol 5).
    FromBuffer,
    /// `numpy.core.multiarray.scalar`: one number.
    Scalar,
    /// `numpy.ndarray`, which `_reconstruct` is given.
    NdArray,
    /// `numpy.dtype`
    DType,
    /// `_codecs.encode`: Python 3 writes bytes so in protocol 2.
    Encode,
    /// `bytes` and `bytearray`
    Bytes,
}

/// The function of that name, if it is one that makes data.
pub(super) fn named(module: &[u8], name: &[u8]) -> Result<Function, String> {
    Ok(match (module, name) {
        (b"numpy.core.multiarray" | b"numpy._core.multiarray", b"_reconstruct") => Function::Reconstruct,
        (b"numpy.core.multiarray" | b"numpy._core.multiarray", b"scalar") => Function::Scalar,
        (b"numpy.core.numeric" | b"numpy._core.numeric", b"_frombuffer") => Function::FromBuffer,
        (b"numpy", b"ndarray") => Function::NdArray,
        (b"numpy", b"dtype") => Function::DType,
        (b"_codecs", b"encode") => Function::Encode,
        (b"__builtin__" | b"builtins", b"bytes" | b"bytearray") => Function::Bytes,
        _ => {
            let [module, name] = [module, name].map(|text| text[..text.len().min(60)].escape_ascii());
            return Err(format!("names {module}.{name}, and nothing that a pickle names is run"));
        }
    })
}

/// What the function at `function` makes of the tuple at `arguments`.
pub(super) fn call<'a>(values: &[Value<'a>], function: Id, arguments: Id) -> Result<Value<'a>, String> {
    let Value::Function(function) = &values[function] else { return Err(ODD.to_owned()) };
    let arguments = items(values, &values[arguments])?;
    match (function, &arguments[..]) {
        (Function::Reconstruct, [Value::Function(Function::NdArray), ..]) => {
            let number = Number { kind: b'u', bytes: 1, big_endian: false };
            Ok(Value::Array(Array { shape: vec![0], number, bytes: Bytes::OfFile(&[]) }))
        }
        (Function::DType, [Value::Bytes(name), ..]) => Ok(Value::Type(number_type(name)?)),
        (Function::Encode, [Value::Bytes(text), Value::Bytes(code)]) => Ok(Value::Bytes(encode(text, code)?)),
        (Function::Bytes, []) => Ok(Value::Bytes(Bytes::OfFile(&[]))),
        (Function::Bytes, [Value::Bytes(bytes)]) => Ok(Value::Bytes(bytes.clone())),
        (Function::Scalar, [Value::Type(number), Value::Bytes(bytes)]) => {
            Ok(number.read(bytes).map_or(Value::None, Value::Int))
        }
        (Function::FromBuffer, [Value::Bytes(bytes), Value::Type(number), shape, order]) => {
            let columns_first = matches!(order, Value::Bytes(order) if **order == *b"F");
            array(values, shape, *number, columns_first.into(), bytes)
        }
        _ => Err(ODD.to_owned()),
    }
}

/// What the value at `object` becomes by the state at `state`.
pub(super) fn build<'a>(values: &[Value<'a>], object: Id, state: Id) -> Result<Value<'a>, String> {
    let state = items(values, &values[state])?;
    match (&values[object], &state[..]) {
        (
            Value::Array(_),
            [_, shape, Value::Type(number), Value::Int(columns_first), Value::Bytes(bytes)],
        ) => array(values, shape, *number, *columns_first, bytes),
        // Version, order of bytes, and descriptions of records, which plain numbers have none of.
        (Value::Type(number), [_, Value::Bytes(order), Value::None, Value::None, Value::None, ..]) => {
            Ok(Value::Type(Number { big_endian: **order == *b">", ..*number }))
        }
        (Value::Type(_), _) => Err("holds records, not numbers".to_owned()),
        _ => Err(ODD.to_owned()),
    }
}

fn items<'v, 'a>(values: &'v [Value<'a>], tuple: &Value<'a>) -> Result<Vec<&'v Value<'a>>, String> {
    match tuple {
        Value::Tuple(items) if items.len() <= MOST_ITEMS => Ok(items.iter().map(|&id| &values[id]).collect()),
        _ => Err(ODD.to_owned()),
    }
}

fn array<'a>(
    values: &[Value<'a>],
    shape: &Value<'a>,
    number: Number,
    columns_first: i64,
    bytes: &Bytes<'a>,
) -> Result<Value<'a>, String> {
    let size = |value: &Value<'_>| match value {
        Value::Int(size) => usize::try_from(*size).ok(),
        _ => None,
    };
    let sizes = items(values, shape)?;
    let shape: Vec<usize> = sizes.into_iter().map(size).collect::<Option<_>>().ok_or(ODD)?;
    if columns_first != 0 && shape.len() > 1 {
        return Err("is stored columns first (np.ascontiguousarray puts rows first)".to_owned());
    }
    let promised = shape.iter().try_fold(number.bytes, |product, &size| product.checked_mul(size));
    if promised != Some(bytes.len()) {
        return Err(format!("announces an array of {shape:?}, but stores {} bytes", bytes.len()));
    }
    Ok(Value::Array(Array { shape, number, bytes: bytes.clone() }))
}

/// `u1`, `|u1`, `<i8`, `b1`: a kind and a number of bytes.
fn number_type(name: &[u8]) -> Result<Number, String> {
    let big_endian = name.first() == Some(&b'>');
    let name =
        name.strip_prefix(b"|").or(name.strip_prefix(b"<")).or(name.strip_prefix(b">")).unwrap_or(name);
    let parsed = name.split_first().and_then(|(&kind, size)| {
        let bytes = std::str::from_utf8(size).ok()?.parse().ok()?;
        Some(Number { kind, bytes, big_endian })
    });
    parsed.ok_or_else(|| format!("holds an array of type {}, not of numbers", name.escape_ascii()))
}

/// The characters of a text as one byte each.
fn encode<'a>(text: &[u8], code: &[u8]) -> Result<Bytes<'a>, String> {
    let text = std::str::from_utf8(text).ok().filter(|_| code == b"latin1" || code == b"latin-1");
    let bytes = text.and_then(|text| text.chars().map(|c| u8::try_from(c).ok()).collect::<Option<_>>());
    bytes.map(Bytes::Made).ok_or_else(|| ODD.to_owned())
}
