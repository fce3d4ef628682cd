//! A method of one's own, as CONTRIBUTING.md describes how to write one: synthetic images drift towards a running mean of
//! the real images of their class. Nobody should use it; it has all that a method can have.

#![forbid(unsafe_code)]

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_match::{
    Bounds, Cost, Distiller, Family, Hypergradient, Inputs, Kept, Method, MethodError, MethodRow, Objective,
    OwnState, Passes, Products, Saved, StepError, StepOutcome, refuse_out_of_range, refuse_zero,
};
use distil_random::{permutation, stream};
use distil_store::StoreError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Its row: what configurations, `distil methods` and comparisons know.
pub static ROW: MethodRow = MethodRow {
    name: "drift",
    title: "Drifting towards running class means",
    published: "an example of a method of one's own",
    preset: || Method { iterations: 30, image_lr: 0.1, ..Method::of(Drift { memory: 0.9, batch_real: 8 }) },
    family: Family::of::<Drift>(),
    sections: &["[eval]\nepochs = 100\n"],
    citations: &["@misc{drift,\n  title = {An example},\n  author = {Nobody},\n  year = {2026},\n}\n"],
};

/// Its settings: the keys of `[distill]` that only it has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// Weight of the mean so far against the images of one iteration, in `[0, 1)`.
    pub memory: f64,
    /// Real images of each class that one iteration sees.
    pub batch_real: usize,
}

/// Its state: the running mean image of each class, `[classes, c·h·w]`, and how often it was updated.
#[derive(Debug, Clone, Default)]
pub struct RunningMeans {
    values: Vec<f32>,
    updates: u64,
}

#[derive(Serialize, Deserialize)]
struct Document {
    updates: u64,
    values: usize,
}

impl OwnState for RunningMeans {
    fn save(&self) -> Kept {
        let document = Document { updates: self.updates, values: self.values.len() };
        Kept::new(&document).with_tensor("means", &[self.values.len()], self.values.clone())
    }

    fn restore(saved: &Saved<'_>, _: &Device) -> Result<Self, StoreError> {
        let Document { updates, values } = saved.document()?;
        Ok(Self { values: saved.tensor("means", &[values])?.to_vec(), updates })
    }
}

impl RunningMeans {
    /// Mixes in the mean of some real images of every class.
    fn update(&mut self, drift: &Drift, iteration: u64, inputs: &Inputs<'_>) {
        let (train, classes) = (&inputs.dataset.train, inputs.net.classes());
        let pixels = train.images.shape().len();
        let memory = if self.updates == 0 { 0.0 } else { drift.memory as f32 };
        self.values.resize(classes * pixels, 0.0);
        for (class, mean) in self.values.chunks_exact_mut(pixels).enumerate() {
            let rows = train.rows_of_class(class as u32);
            let index = iteration * classes as u64 + class as u64;
            let mut order = permutation(&mut stream(inputs.seed, "drift-batch", index), rows.len());
            order.truncate(drift.batch_real);
            let batch: Vec<usize> = order.into_iter().map(|i| rows[i]).collect();
            let images = train.images.gather(&batch);
            for (pixel, mean) in mean.iter_mut().enumerate() {
                let sum: f32 = images.iter().skip(pixel).step_by(pixels).sum();
                *mean = memory * *mean + (1.0 - memory) * sum / batch.len() as f32;
            }
        }
        self.updates += 1;
    }
}

impl Objective for Drift {
    type State = RunningMeans;

    fn check(&self, _: &Method, _: usize) -> Result<(), MethodError> {
        refuse_zero(&[("batch_real", self.batch_real as u64)])?;
        refuse_out_of_range(&[("memory", self.memory, Bounds::Momentum)])
    }

    fn cost(&self, images: usize, _classes: usize) -> Cost {
        let (passes, products) = (Passes::default(), Products::Exact);
        Cost { batch_syn: images, syn_steps: 0, batch_real: self.batch_real, passes, products }
    }

    fn step(
        &self,
        means: &mut RunningMeans,
        distiller: &mut Distiller,
        inputs: &Inputs<'_>,
    ) -> Result<StepOutcome, StepError> {
        means.update(self, distiller.iteration(), inputs);
        let images = distiller.images().clone();
        let pixels = inputs.dataset.train.images.shape().len();
        let targets: Vec<f32> = means
            .values
            .chunks_exact(pixels)
            .zip(inputs.per_class())
            .flat_map(|(mean, ipc)| std::iter::repeat_n(mean, ipc).flatten().copied())
            .collect();
        let targets = TensorData::new(targets, images.dims());
        let apart = images - Tensor::from_data(targets, (inputs.engine.device(), DType::F32));
        let loss = (apart.clone() * apart.clone()).mean().into_scalar::<f32>();
        let gradient = Hypergradient { images: apart, labels: None, syn_lr: 0.0, theta: None };
        let refusal = inputs.method.refuses(f64::from(loss));
        let status = distiller.apply_gradient(refusal.map_or(Ok(gradient), Err), inputs.method);
        Ok(distiller.outcome(f64::from(loss), status))
    }
}
