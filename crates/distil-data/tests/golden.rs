//! ZCA against the golden fixtures.

use distil_data::Zca;
use distil_golden::{Fixture, Precision, check_all};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    eps: f64,
    shape: Vec<usize>,
    train: usize,
    test: usize,
}

#[test]
fn zca() {
    check_all(&["zca"], check);
}

fn check(fixture: &Fixture, precision: Precision) -> Result<(), String> {
    let options: Options = fixture.options()?;
    let (x, x_test) = (fixture.float("x")?, fixture.float("x_test")?);
    for (array, n) in [(x, options.train), (x_test, options.test)] {
        if array.shape[0] != n || array.shape[1..] != options.shape {
            return Err(format!("{n} images of {:?} announced, {:?} found", options.shape, array.shape));
        }
    }
    let d: usize = options.shape.iter().product();
    let zca = Zca::fit(&x.values, d, options.eps).map_err(|e| e.to_string())?;
    fixture.expect("mean", &zca.mean, precision)?;
    fixture.expect("matrix", &zca.matrix, precision)?;
    fixture.expect("inverse", &zca.inverse, precision)?;
    let white = whiten(&zca, &x.values, precision)?;
    fixture.expect("white", &white, precision)?;
    fixture.expect("white_test", &whiten(&zca, &x_test.values, precision)?, precision)?;
    fixture.expect("round_trip", &unwhiten(&zca, &white, precision)?, precision)
}

fn whiten(zca: &Zca, x: &[f64], precision: Precision) -> Result<Vec<f64>, String> {
    match precision {
        Precision::F64 => zca.whiten(x),
        Precision::F32 => zca.whiten_f32(&single(x)).map(double),
    }
    .map_err(|e| e.to_string())
}

fn unwhiten(zca: &Zca, white: &[f64], precision: Precision) -> Result<Vec<f64>, String> {
    match precision {
        Precision::F64 => zca.unwhiten(white),
        Precision::F32 => zca.unwhiten_f32(&single(white)).map(double),
    }
    .map_err(|e| e.to_string())
}

fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

fn double(values: Vec<f32>) -> Vec<f64> {
    values.into_iter().map(f64::from).collect()
}
