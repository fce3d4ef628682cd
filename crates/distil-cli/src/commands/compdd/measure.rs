//! One pass over the images.

use std::path::{Path, PathBuf};
use std::time::Duration;

use distil::Progress;
use distil::sets::transform_of;
use distil_compdd::{BadImages, Measurement, Pass, PassOptions};
use distil_data::{DataConfig, DatasetName};
use distil_gradcam::CamModel;
use distil_store::{FolderLock, atomic};

use super::args::ImagesArgs;
use super::{MEASUREMENT, source, write_figures};
use crate::commands::gradcam::named;
use crate::commands::train::{TrainArgs, train_model};
use crate::console::Console;
use crate::context::Context;
use crate::failure::Failure;

/// Sides of the images of a network that is trained on the way.
const TRAINED_SIDE: usize = 64;
/// Unreadable images that are shown one by one; all of them are in the file.
const SHOWN: usize = 10;

/// Measures, or goes on measuring, what the arguments name. Returns the folder of the results, too.
pub(super) fn measure(args: &ImagesArgs, context: Context<'_>) -> Result<(Measurement, PathBuf), Failure> {
    let data = source::data_config(args, context.data_dir)?;
    args.definition().check()?;
    let folder = args.out.clone().unwrap_or_else(|| Path::new("compdd").join(name(&data)));
    atomic::create_folder(&folder)?;
    let _lock = FolderLock::take(&folder, "complexity")?;
    let model_file = match &args.model {
        Some(file) => file.clone(),
        None => trained(args, &data, &folder, context)?,
    };
    let model =
        named(CamModel::open(&model_file, data.resolution.map(|side| [side; 2]))?, args.classes.as_deref())?;
    let found = source::open(&data, args.part, &model.network, context)?;
    let class_map = source::class_map(&data, &found.class_names, &model.card).map_err(|error| {
        Failure::new(
            format_args!("{} was trained on other classes: {error}", model_file.display()),
            "train one on these data with `distil train`",
        )
    })?;
    let (file, device) = (folder.join(MEASUREMENT), context.device.open()?);
    let pass = Pass {
        source: &found.source,
        dataset: &found.name,
        class_names: &found.class_names,
        model: &model,
        class_map: &class_map,
        transform: &transform_of(&model.card.preprocessing)?,
        definition: &args.definition(),
        engine: device.engine(),
        options: PassOptions {
            part: args.shard,
            shard: args.batch.get(),
            bad: args.bad(),
            file: Some(&file),
            save_every: Duration::from_secs(args.save_every),
            ..PassOptions::default()
        },
    };
    let listener = context.console.listener();
    let measured = pass.run(Progress::to(&listener))?;
    tell_skipped(&measured, context.console);
    atomic::write(folder.join("classes.csv"), measured.csv())?;
    if measured.is_complete() {
        write_figures(&folder, &measured)?;
    }
    Ok((measured, folder))
}

fn tell_skipped(measured: &Measurement, console: &Console) {
    let skipped = &measured.skipped;
    for one in skipped.iter().take(SHOWN) {
        console.warn(format_args!("left out {}: {}", one.name, one.problem));
    }
    if skipped.len() > SHOWN {
        console.warn(format_args!("left out {} more; {MEASUREMENT} lists them", skipped.len() - SHOWN));
    }
}

/// What the results' folder is called.
fn name(data: &DataConfig) -> String {
    let of_folder = data.path.as_deref().filter(|_| data.name == DatasetName::Folder).and_then(|path| {
        let real = path.canonicalize().ok()?;
        Some(real.file_name()?.to_string_lossy().into_owned())
    });
    of_folder.unwrap_or_else(|| data.name.to_string()).replace('/', "-")
}

/// A network for the data, trained once and kept with the results.
fn trained(
    args: &ImagesArgs,
    data: &DataConfig,
    folder: &Path,
    context: Context<'_>,
) -> Result<PathBuf, Failure> {
    let (model, config) = (folder.join("cam.safetensors"), folder.join("cam.toml"));
    if model.is_file() {
        context.console.note(format_args!("no --model: using {}, trained before", model.display()));
        return Ok(model);
    }
    let resolution = data.resolution.or(Some(TRAINED_SIDE));
    let data = DataConfig { resolution, skip: unreadable(data, args.bad())?, ..data.clone() };
    let mut table = match &args.config {
        Some(file) => std::fs::read_to_string(file)?.parse()?,
        None => recipe(),
    };
    table.insert("data".to_owned(), toml::Value::try_from(&data)?);
    atomic::write(&config, toml::to_string(&table)?)?;
    let (file, from) = (model.display(), config.display());
    context
        .console
        .note(format_args!("no --model: training a ResNet-18 on the images first, {file}, by {from}"));
    train_model(&TrainArgs::small_resnet(config, args.set.clone(), model.clone()), context)?;
    Ok(model)
}

/// How a network is trained for data without a configuration: as many small steps as a few hundred images need.
fn recipe() -> toml::Table {
    let eval = toml::toml! {
        batch = 32
        micro_batch = 8
        real_lr = 0.02
        full_epochs = 24
    };
    toml::Table::from_iter([("eval".to_owned(), eval.into())])
}

/// Images that training has to leave out, besides those that the data leave out already.
fn unreadable(data: &DataConfig, bad: BadImages) -> Result<Option<Vec<String>>, Failure> {
    let mut skip = data.skip.clone().unwrap_or_default();
    if let Some(source) = source::files(data)? {
        skip.extend(source.unreadable(bad)?.into_iter().map(|one| one.name));
    }
    Ok((!skip.is_empty()).then_some(skip))
}
