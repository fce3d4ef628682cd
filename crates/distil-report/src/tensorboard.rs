//! The event log of a run as TensorBoard reads it.
//!
//! Of TensorFlow's protocol buffers only what is needed is written: `Event` (wall time 1, step 2, file version 3, summary 5,
//! session log 7) with `Summary.Value` (tag 1, simple value 2, tensor 8, metadata 9).

use serde_json::Value;

use crate::tfrecord::framed;

/// How a file of events begins.
const VERSION: &str = "brain.Event:2";
/// TensorFlow's number for text.
const DT_STRING: u64 = 7;
/// A session begins: what a viewer has from an earlier file of these steps is outdated.
const START: u64 = 1;

/// When something happened.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Moment {
    /// Seconds since 1970.
    wall_time: f64,
    /// Outer iteration.
    step: u64,
}

/// The first records of a TensorBoard file: its version, the begin of a session, and the run's settings (TOML) as text.
///
/// Append them and what [`tensorboard_record`] returns to a file whose name holds `tfevents`.
pub fn tensorboard_header(wall_time: f64, config: &str) -> Vec<u8> {
    let begin = Moment { wall_time, step: 0 };
    let version = [moment(begin), bytes(3, VERSION.as_bytes())].concat();
    let session = [moment(begin), bytes(7, &number(1, START))].concat();
    let settings = format!("```toml\n{config}\n```");
    let text = [moment(begin), bytes(5, &text("run.toml", &settings))].concat();
    [framed(&version), framed(&session), framed(&text)].concat()
}

/// An event of the log as a record of scalars; `None` when it has nothing that is drawn over iterations.
///
/// Of an event of kind K, every number and truth value of name N becomes the scalar `K/N`; dropped scalars become shares of
/// each layer. What only numbers things (which expert was matched) is drawn too, as it costs nothing.
pub fn tensorboard_record(event: &Value, wall_time: f64) -> Option<Vec<u8>> {
    let step = event["iteration"].as_u64()?;
    let values: Vec<u8> = scalars(event).into_iter().flat_map(|(tag, value)| scalar(&tag, value)).collect();
    let at = moment(Moment { wall_time, step });
    (!values.is_empty()).then(|| framed(&[at, bytes(5, &values)].concat()))
}

/// Tags and values of an event.
fn scalars(event: &Value) -> Vec<(String, f32)> {
    let (Some(kind), Some(fields)) = (event["kind"].as_str(), event.as_object()) else { return Vec::new() };
    if kind == "dropout" {
        return dropped(event);
    }
    let number =
        |value: &Value| value.as_f64().or_else(|| value.as_bool().map(|truth| f64::from(u8::from(truth))));
    let tagged = |(name, value): (&String, &Value)| Some((format!("{kind}/{name}"), number(value)? as f32));
    fields.iter().filter(|(name, _)| *name != "iteration").filter_map(tagged).collect()
}

/// The share of each layer that dropout left out, and of all.
fn dropped(event: &Value) -> Vec<(String, f32)> {
    let counts = |key: &str| -> Vec<f64> {
        event[key].as_array().map(|all| all.iter().filter_map(Value::as_f64).collect()).unwrap_or_default()
    };
    let (dropped, sizes) = (counts("dropped"), counts("sizes"));
    let share = |dropped: f64, size: f64| (dropped / size.max(1.0)) as f32;
    let names = event["layers"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let layers = names.zip(dropped.iter().zip(&sizes));
    let mut shares: Vec<_> =
        layers.map(|(name, (dropped, size))| (format!("dropout/{name}"), share(*dropped, *size))).collect();
    shares.push(("dropout/all".to_owned(), share(dropped.iter().sum(), sizes.iter().sum())));
    shares
}

fn scalar(tag: &str, value: f32) -> Vec<u8> {
    let mut field = key(2, 5);
    field.extend(value.to_le_bytes());
    bytes(1, &[bytes(1, tag.as_bytes()), field].concat())
}

/// A text for the tab of that name.
fn text(tag: &str, text: &str) -> Vec<u8> {
    let one = bytes(2, &number(1, 1));
    let tensor = [number(1, DT_STRING), bytes(2, &one), bytes(8, text.as_bytes())].concat();
    let plugin = bytes(1, &bytes(1, b"text"));
    bytes(1, &[bytes(1, tag.as_bytes()), bytes(8, &tensor), bytes(9, &plugin)].concat())
}

fn moment(moment: Moment) -> Vec<u8> {
    let mut fields = key(1, 1);
    fields.extend(moment.wall_time.to_le_bytes());
    fields.extend(number(2, moment.step));
    fields
}

/// A field's number and how it is written: 0 a varint, 1 eight bytes, 2 with its length, 5 four bytes.
fn key(field: u64, wire: u64) -> Vec<u8> {
    varint(field << 3 | wire)
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [key(field, 0), varint(value)].concat()
}

fn bytes(field: u64, content: &[u8]) -> Vec<u8> {
    [&key(field, 2), &varint(content.len() as u64), content].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{scalars, tensorboard_header, tensorboard_record};
    use crate::tfrecord::unframed;

    /// A field as it was read: its number and its content, numbers as little-endian bytes.
    type Field = (u64, Vec<u8>);

    /// Reads what any protocol-buffer reader would.
    fn fields(mut message: &[u8]) -> Vec<Field> {
        let mut found = Vec::new();
        while !message.is_empty() {
            let key = varint(&mut message);
            let content = match key & 7 {
                0 => varint(&mut message).to_le_bytes().to_vec(),
                1 => take(&mut message, 8),
                2 => {
                    let length = varint(&mut message) as usize;
                    take(&mut message, length)
                }
                5 => take(&mut message, 4),
                other => panic!("wire type {other}"),
            };
            found.push((key >> 3, content));
        }
        found
    }

    fn take(message: &mut &[u8], length: usize) -> Vec<u8> {
        let (front, rest) = message.split_at(length);
        *message = rest;
        front.to_vec()
    }

    fn varint(message: &mut &[u8]) -> u64 {
        let end = message.iter().position(|byte| byte & 0x80 == 0).unwrap();
        let bytes = take(message, end + 1);
        bytes.iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f))
    }

    fn field(message: &[u8], number: u64) -> Vec<u8> {
        fields(message).into_iter().find(|(n, _)| *n == number).unwrap().1
    }

    #[test]
    fn records_decode_to_what_was_logged() {
        let event =
            json!({"kind": "iteration", "iteration": 300, "loss": 0.75, "applied": false, "reason": "gate"});
        let file = tensorboard_record(&event, 1.5e9).unwrap();
        let [record] = unframed(&file).unwrap()[..] else { panic!("one record") };
        assert_eq!(field(record, 1), 1.5e9_f64.to_le_bytes());
        assert_eq!(field(record, 2), 300_u64.to_le_bytes());
        let values: Vec<(String, f32)> = fields(&field(record, 5))
            .into_iter()
            .map(|(_, value)| {
                let number = field(&value, 2).try_into().unwrap();
                (String::from_utf8(field(&value, 1)).unwrap(), f32::from_le_bytes(number))
            })
            .collect();
        let expected = [("iteration/applied".to_owned(), 0.0), ("iteration/loss".to_owned(), 0.75)];
        assert_eq!(values, expected);
    }

    #[test]
    fn a_file_begins_with_its_version_and_a_session() {
        let file = tensorboard_header(2.0, "ipc = 10");
        let records = unframed(&file).unwrap();
        assert_eq!(field(records[0], 3), b"brain.Event:2");
        assert_eq!(field(&field(records[1], 7), 1), 1_u64.to_le_bytes());
        let value = field(&field(records[2], 5), 1);
        assert!(String::from_utf8(field(&field(&value, 8), 8)).unwrap().contains("ipc = 10"));
        assert_eq!(field(&field(&field(&value, 9), 1), 1), b"text");
    }

    #[test]
    fn dropout_becomes_shares_and_lists_are_passed_over() {
        let event = json!({"kind": "dropout", "iteration": 1, "layers": ["a", "b"], "dropped": [1, 6], "sizes": [4, 6]});
        let expected = [("dropout/a", 0.25), ("dropout/b", 1.0), ("dropout/all", 0.7)];
        assert_eq!(scalars(&event), expected.map(|(tag, value)| (tag.to_owned(), value)));
        let range = json!({"kind": "range", "iteration": 0, "min": 2, "max": 5, "lengths": [0.1]});
        assert_eq!(scalars(&range), [("range/max".to_owned(), 5.0), ("range/min".to_owned(), 2.0)]);
        let empty = json!({"kind": "iteration", "iteration": 3, "loss": null});
        assert!(tensorboard_record(&empty, 0.0).is_none() && tensorboard_record(&json!({}), 0.0).is_none());
    }
}
