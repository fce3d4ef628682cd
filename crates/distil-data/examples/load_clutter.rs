//! Loads the generated set `clutter-easy`, prints what it holds, and draws ten images of each class.

#![expect(clippy::print_stdout, reason = "an example shows its result")]

use distil_data::{DataConfig, DatasetName, HoldOut, Progress};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = DataConfig {
        validation: Some(HoldOut::Count(100)),
        train_limit: Some(500),
        ..DataConfig::new(DatasetName::ClutterEasy)
    };
    let data = config.load(Progress::none())?;
    println!("{}", data.summary());

    let batch = data.train.images.gather(&[0, 1, 2]);
    let pictures = data.transform.undo(data.shape(), &batch)?;
    let range = |values: &[f32]| {
        let (low, high) =
            values.iter().fold((f32::MAX, f32::MIN), |(low, high), &v| (low.min(v), high.max(v)));
        format!("{low:.2} to {high:.2}")
    };
    println!("three images: {} as network input, {} as pixels", range(&batch), range(&pictures));

    let sheet = data.train.contact_sheet(data.classes(), 10)?.ok_or("these images have no pixels")?;
    let path = std::env::temp_dir().join("clutter-easy.png");
    sheet.save(&path)?;
    println!("{} is {}×{} pixels", path.display(), sheet.width(), sheet.height());
    Ok(())
}
