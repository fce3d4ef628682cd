use std::ops::Range;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use burn::tensor::{Tensor, TensorData};
use distil_data::{ImageShape, Resize, ResizeFilter, ResizePolicy, Transform};
use distil_engine::Engine;
use distil_gradcam::{CamError, CamModel, ClassMap, Explainer, Noise, Target, last_layer, layer};
use distil_progress::{Progress, Step};

use crate::measurement::Identity;
use crate::source::{Batch, Wanted};
use crate::tally::count_values;
use crate::{BadImages, CompddError, Definition, Measurement, Part, Source, TargetClass};

/// One pass over the images of a data set.
#[derive(Debug, Clone, Copy)]
pub struct Pass<'a> {
    /// The images.
    pub source: &'a Source,
    /// Name of the data.
    pub dataset: &'a str,
    /// Names of the classes, by label.
    pub class_names: &'a [String],
    /// The network.
    pub model: &'a CamModel,
    /// Which of its classes each label is.
    pub class_map: &'a ClassMap,
    /// How pixels become its input: what its card says, with the matrices of a ZCA.
    pub transform: &'a Transform,
    /// What is measured.
    pub definition: &'a Definition,
    /// Where it is computed.
    pub engine: &'a Engine,
    /// How it is gone about. Nothing here changes the result.
    pub options: PassOptions<'a>,
}

/// Execution options of a pass; they do not affect its result.
#[derive(Debug, Clone, Copy)]
pub struct PassOptions<'a> {
    /// Which part of the images, from 1, and of how many: parts that other processes measure are merged by
    /// [`Measurement::merge`].
    pub part: (usize, usize),
    /// Images decoded at once; up to four times as many are in memory.
    pub shard: usize,
    /// Images of one call of the network, on each CPU thread.
    pub micro_batch: usize,
    /// What becomes of unreadable images.
    pub bad: BadImages,
    /// Where the measurement is kept and continued from.
    pub file: Option<&'a Path>,
    /// How often it is written there.
    pub save_every: Duration,
}

impl Default for PassOptions<'_> {
    fn default() -> Self {
        Self {
            part: (1, 1),
            shard: 256,
            micro_batch: 16,
            bad: BadImages::Refuse,
            file: None,
            save_every: Duration::from_secs(30),
        }
    }
}

impl Pass<'_> {
    /// Goes through the images: from where the file of [`PassOptions::file`] left off, or from the first one. Images are decoded
    /// while others are processed.
    ///
    /// Progress is told after every shard; to stop saves first.
    ///
    /// # Errors
    /// [`CompddError`] names the image, class, file or setting and the remedy. What was measured before is kept in the file.
    pub fn run(&self, progress: Progress<'_>) -> Result<Measurement, CompddError> {
        self.check()?;
        let part = self.part()?;
        let identity = self.identity();
        let mut measured = match self.options.file.filter(|file| file.exists()) {
            Some(file) => Measurement::load(file)?,
            None => Measurement::begin(&identity, part),
        };
        measured.check_is_of(&identity, part)?;
        let rest = measured.parts[0].next..part.end;
        if !rest.is_empty() {
            let walked = std::thread::scope(|scope| {
                // One shard waits while another is processed and a third is decoded.
                let (hand, take) = sync_channel(1);
                scope.spawn(move || self.decode(rest, &hand));
                self.walk(&mut measured, take, progress)
            });
            self.save(&measured)?;
            walked?;
        }
        if self.options.part.1 == 1 {
            measured.check_complete()?;
        }
        Ok(measured)
    }

    fn check(&self) -> Result<(), CompddError> {
        self.definition.check()?;
        let classes = self.class_names.len();
        let mut counts = vec![0usize; classes];
        for &label in self.source.labels() {
            counts[label as usize] += 1;
        }
        if let Some(empty) = counts.iter().position(|count| *count == 0) {
            return Err(CompddError::EmptyClass { name: self.class_names[empty].clone() });
        }
        let Source::Memory { split, .. } = self.source else { return Ok(()) };
        let (found, [channels, height, width]) = (split.images.shape(), self.model.network.image_shape());
        let wanted = ImageShape { channels, height, width };
        if found != wanted {
            return Err(CompddError::Shape { found: found.to_string(), wanted: wanted.to_string() });
        }
        Ok(())
    }

    fn part(&self) -> Result<Part, CompddError> {
        let (index, of) = self.options.part;
        if !(1..=of).contains(&index) {
            return Err(CompddError::Shard { index, of });
        }
        let cut = |at: usize| (self.source.len() as u128 * at as u128 / of as u128) as usize;
        Ok(Part { start: cut(index - 1), next: cut(index - 1), end: cut(index) })
    }

    fn identity(&self) -> Identity<'_> {
        Identity {
            dataset: self.dataset,
            data_digest: self.source.digest(),
            model_digest: self.model.digest(),
            definition: self.definition,
            network_classes: self.model.network.classes(),
            total: self.source.len(),
            class_names: self.class_names,
        }
    }

    /// The producer: decodes until nobody takes any more.
    fn decode(&self, rows: Range<usize>, hand: &SyncSender<Result<Batch, CompddError>>) {
        let [channels, height, width] = self.model.network.image_shape();
        let asked = self.transform.preprocessing().resize;
        let (policy, filter) = asked
            .map_or((ResizePolicy::Squash, ResizeFilter::Bilinear), |resize| (resize.policy, resize.filter));
        let wanted = Wanted { channels, resize: Resize { policy, filter, height, width } };
        let mut start = rows.start;
        while start < rows.end {
            let end = rows.end.min(start + self.options.shard.max(1));
            let batch = self.source.read(start..end, wanted, self.options.bad);
            let failed = batch.is_err();
            if hand.send(batch).is_err() || failed {
                return;
            }
            start = end;
        }
    }

    /// The consumer: looks at what was decoded.
    fn walk(
        &self,
        measured: &mut Measurement,
        take: Receiver<Result<Batch, CompddError>>,
        progress: Progress<'_>,
    ) -> Result<(), CompddError> {
        let (theta, buffers) = self.model.tensors(self.engine.device());
        let network = &self.model.network;
        let layer = match &self.definition.layer {
            Some(name) => layer(network, name)?,
            None => last_layer(network)?,
        };
        let (cam, micro_batch) = (self.definition.cam, self.options.micro_batch);
        let explainer = Explainer {
            engine: self.engine,
            network,
            theta: &theta,
            buffers: &buffers,
            layer,
            cam,
            micro_batch,
        };
        let mut saved = Instant::now();
        for batch in take {
            let batch = batch?;
            self.count(measured, &batch, &explainer)?;
            measured.skipped.extend(batch.skipped);
            measured.parts[0].next = batch.rows.end;
            let Part { start, next, end } = measured.parts[0];
            let skipped = match measured.skipped.len() {
                0 => String::new(),
                skipped => format!("{skipped} unreadable"),
            };
            let step = Step::of("measure", (next - start) as u64, (end - start) as u64, "images");
            if progress.at(step.with_detail(format_args!("{skipped}"))).is_break() {
                return Err(CompddError::Stopped);
            }
            if saved.elapsed() >= self.options.save_every {
                self.save(measured)?;
                saved = Instant::now();
            }
        }
        Ok(())
    }

    fn count(
        &self,
        measured: &mut Measurement,
        batch: &Batch,
        explainer: &Explainer<'_>,
    ) -> Result<(), CompddError> {
        let [channels, height, width] = explainer.network.image_shape();
        // Runs of consecutive rows: the noise of an image goes by its row, also where others are left out.
        for run in batch.at.chunk_by(|a, b| a + 1 == *b) {
            let from = batch.at.partition_point(|row| *row < run[0]);
            let within = from..from + run.len();
            let each = channels * height * width;
            let pixels = &batch.pixels[within.start * each..within.end * each];
            let input = self.transform.apply(ImageShape { channels, height, width }, pixels)?;
            let data = TensorData::new(input, [run.len(), channels, height, width]);
            let labels = &batch.labels[within];
            let classes = self.class_map.classes(labels).map_err(CamError::from)?;
            let target = match self.definition.target {
                TargetClass::Label => Target::Classes(&classes),
                TargetClass::Predicted => Target::Predicted,
            };
            let noise = Noise { seed: self.definition.seed, round: 0, first_image: run[0] as u64 };
            let found = explainer.explain(&Tensor::from_data(data, self.engine.device()), target, noise)?;
            let maps = self.definition.counted(&found.raw, height, width);
            count_values(&mut measured.histogram, &maps);
            let scores = found.scores.chunks_exact(explainer.network.classes());
            for ((map, scores), &label) in maps.iter().zip(scores).zip(labels) {
                measured.classes[label as usize].add(map, &self.definition.thresholds, scores);
            }
        }
        Ok(())
    }

    fn save(&self, measured: &Measurement) -> Result<(), CompddError> {
        self.options.file.map_or(Ok(()), |file| measured.save(file))
    }
}
