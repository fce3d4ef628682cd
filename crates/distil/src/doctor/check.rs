//! One comparison of two devices.

use std::time::Instant;

use burn::tensor::{DType, Device, Tensor};

use distil_files::caught;

/// Timed repetitions, of which the median counts.
const REPEATS: usize = 3;

/// What a computation gives: flat tensors with their names.
pub(super) type Outputs = Vec<(&'static str, Tensor<1>)>;

/// A computation whose inputs lie on a device.
pub(super) type Work = Box<dyn Fn() -> Outputs>;

/// Draws the inputs of a computation in a precision and uploads them.
pub(super) type Prepare = Box<dyn Fn(&Device, DType) -> Work>;

/// A computation that any device can do in any precision, from the same numbers.
pub(super) struct Check {
    pub(super) name: String,
    /// A pass over the network rather than one operation.
    pub(super) is_whole: bool,
    pub(super) prepare: Prepare,
}

/// What came out of a check.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What was computed.
    pub name: String,
    /// The largest relative error that is rounding.
    pub tolerance: f64,
    /// How the device did.
    pub outcome: Outcome,
}

/// How a device did.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It gave numbers.
    Compared {
        /// The largest relative error ‖got − expected‖₂ / ‖expected‖₂ of the outputs.
        error: f64,
        /// The output with that error.
        worst: &'static str,
        /// Median time once it is warm.
        milliseconds: f64,
        /// Time of the first run, which compiles kernels.
        first: f64,
    },
    /// It gave none, and said this.
    Broken(String),
}

impl Finding {
    /// What is wrong, if anything is.
    pub fn complaint(&self) -> Option<String> {
        let Self { name, tolerance, outcome } = self;
        match outcome {
            Outcome::Compared { error, .. } if error <= tolerance => None,
            Outcome::Compared { error, worst, .. } => Some(format!("{name} is off by {error:.1e} ({worst})")),
            Outcome::Broken(said) => Some(format!("{name} does not run ({said})")),
        }
    }
}

impl Check {
    /// Computes on `device` in f32 and on `reference` in f64.
    pub(super) fn compare(&self, device: &Device, reference: &Device, tolerance: f64) -> Finding {
        let attempt = || self.attempt(device, reference);
        // A kernel that does not compile or launch is a panic inside the backend.
        let outcome = caught(attempt).unwrap_or_else(|payload| Outcome::Broken(said(payload.as_ref())));
        Finding { name: self.name.clone(), tolerance, outcome }
    }

    fn attempt(&self, device: &Device, reference: &Device) -> Outcome {
        let work = (self.prepare)(device, DType::F32);
        let timed = || {
            // A failure to wait shows when the numbers are read.
            let _ = device.sync();
            let start = Instant::now();
            let outputs = work();
            let _ = device.sync();
            (outputs, start.elapsed().as_secs_f64() * 1000.0)
        };
        let (outputs, first) = timed();
        let mut times: Vec<f64> = (0..REPEATS).map(|_| timed().1).collect();
        times.sort_by(f64::total_cmp);
        let expected = (self.prepare)(reference, DType::F64)();
        let mut worst = ("outputs", if outputs.len() == expected.len() { 0.0 } else { f64::INFINITY });
        for ((name, got), (_, expected)) in outputs.into_iter().zip(expected) {
            let error = relative_error(&host(got), &host(expected));
            // What is not a number compares as false with everything.
            if error > worst.1 || error.is_nan() {
                worst = (name, error);
            }
        }
        Outcome::Compared { error: worst.1, worst: worst.0, milliseconds: times[REPEATS / 2], first }
    }
}

fn host(tensor: Tensor<1>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// ‖got − expected‖₂ / ‖expected‖₂, absolute where nothing is expected. Unlike the largest difference, it forgives the
/// few units that rounding pushes over zero, and still shows one wrong value in a million.
fn relative_error(got: &[f64], expected: &[f64]) -> f64 {
    if got.len() != expected.len() {
        return f64::INFINITY;
    }
    let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let difference = square(&mut got.iter().zip(expected).map(|(a, b)| a - b)).sqrt();
    let norm = square(&mut expected.iter().copied()).sqrt();
    if norm == 0.0 { difference } else { difference / norm }
}

fn said(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message");
    text.lines().next().unwrap_or_default().chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(compute: impl Fn(&Device, DType) -> Outputs + 'static) -> Finding {
        let compute = std::rc::Rc::new(compute);
        let prepare = move |device: &Device, dtype| -> Work {
            let (compute, device) = (compute.clone(), device.clone());
            Box::new(move || compute(&device, dtype))
        };
        let check = Check { name: "it".to_owned(), is_whole: false, prepare: Box::new(prepare) };
        check.compare(&Device::flex(), &Device::flex(), 1e-4)
    }

    fn numbers(values: [f64; 3], device: &Device, dtype: DType) -> Outputs {
        vec![("all", Tensor::from_data(values, (device, dtype)))]
    }

    #[test]
    fn errors_are_found() {
        let third = |d: &Device, t| numbers([1.0, 2.0, 1.0 / 3.0], d, t);
        assert_eq!(check(third).complaint(), None);
        let wrong = |d: &Device, t| numbers([1.0, if t == DType::F32 { 2.1 } else { 2.0 }, 0.0], d, t);
        assert!(check(wrong).complaint().expect("wrong").contains("it is off by 4."));
        let nan = |d: &Device, t| numbers([1.0, if t == DType::F32 { f64::NAN } else { 2.0 }, 0.0], d, t);
        assert!(check(nan).complaint().expect("no number").contains("NaN"));
        let panics = |_: &Device, _| panic!("no such kernel\nat all");
        assert_eq!(check(panics).complaint(), Some("it does not run (no such kernel)".to_owned()));
    }

    #[test]
    fn one_wrong_value_in_a_million_shows() {
        let expected = vec![1.0; 1_000_000];
        let mut got = expected.clone();
        got[999_999] = 0.0;
        assert!(relative_error(&got, &expected) > 9e-4);
        assert_eq!(relative_error(&[1e-9], &[0.0]), 1e-9);
        assert_eq!(relative_error(&[1.0], &[1.0, 1.0]), f64::INFINITY);
    }
}
