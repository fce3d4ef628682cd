//! `distil data info`.

use std::io::Cursor;
use std::path::Path;

use distil_data::{DataConfig, Dataset, recognise};
use distil_store::atomic;

use crate::args::InfoArgs;
use crate::context::Context;
use crate::failure::Failure;
use distil::config::Config;

/// Pictures of each class on a contact sheet.
const PICTURES: usize = 10;

pub(crate) fn info(args: &InfoArgs, context: Context<'_>) -> Result<(), Failure> {
    // A name of a set counts where what is called so is not a set.
    let path = args.dataset.as_ref().map(Path::new).filter(|path| path.exists());
    let recognised = path.and_then(|path| recognise(path).ok());
    let data = match (&args.config, &recognised, &args.dataset) {
        (Some(config), ..) => Config::load(config, &args.set)?.data,
        (None, Some(recognised), _) => Config::on(&recognised.config, &args.set)?.data,
        (None, None, Some(dataset)) => Config::on(&DataConfig::named(dataset)?, &args.set)?.data,
        (None, None, None) => {
            return Err(Failure::new("no dataset was named", "give a name, a folder or --config"));
        }
    };
    if let Some(sheet) = &args.sheet {
        has_folder(sheet)?;
    }
    let dataset = context.load(&data)?;
    if let Some(sheet) = &args.sheet {
        write_sheet(&dataset, sheet)?;
        context.console.note(format_args!("wrote {}", sheet.display()));
    }
    match recognised {
        Some(recognised) => context.console.result(format_args!("{recognised}\n\n{}", dataset.summary())),
        None => context.console.result(dataset.summary()),
    }
}

/// A sheet that cannot be written is refused before the images are read, which may take long.
fn has_folder(sheet: &Path) -> Result<(), Failure> {
    match sheet.parent().filter(|folder| !folder.as_os_str().is_empty()).map(std::fs::metadata) {
        Some(Err(error)) => Err(atomic::WriteError::new(sheet, error).into()),
        _ => Ok(()),
    }
}

fn write_sheet(dataset: &Dataset, path: &Path) -> Result<(), Failure> {
    let drawn = dataset.train.contact_sheet(dataset.classes(), PICTURES)?;
    let sheet =
        drawn.ok_or_else(|| Failure::new("these images have no pixels to show", "leave out --sheet"))?;
    let mut png = Cursor::new(Vec::new());
    sheet.write_to(&mut png, image::ImageFormat::Png)?;
    Ok(atomic::write(path, png.into_inner())?)
}
