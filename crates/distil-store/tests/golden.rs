//! Golden fixtures of kind `formation`.

use distil_golden::{Array, Fixture, Precision, check_all};
use distil_store::Decoding;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    factor: usize,
    shape: [usize; 4],
}

#[test]
fn golden() {
    check_all(&["formation"], check);
}

fn check(fixture: &Fixture, precision: Precision) -> Result<(), String> {
    // Sets are decoded in f32 wherever they are read.
    if precision == Precision::F64 {
        return Ok(());
    }
    let Options { factor, shape } = fixture.options()?;
    let decoding = Decoding::Tiles { factor };
    let stored = single(fixture.float("x")?);
    let decoded = decoding.decode(shape, &stored);
    if factor == 1 && decoded != Decoding::Pixels.decode(shape, &stored) {
        return Err("one tile is not the image".to_owned());
    }
    fixture.expect("decoded", &double(&decoded), precision)?;
    fixture.expect_integers("labels_decoded", &decoding.repeat(&fixture.integer("labels")?.values))?;
    let gradient = single(fixture.float("cotangent")?);
    fixture.expect("dx", &double(&decoding.transpose(shape, &gradient)), precision)
}

fn single(array: &Array<f64>) -> Vec<f32> {
    array.values.iter().map(|value| *value as f32).collect()
}

fn double(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}
