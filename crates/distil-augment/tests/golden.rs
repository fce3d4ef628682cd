//! Golden fixtures of kind `augment`.

use burn::tensor::{DType, Device, Tensor, TensorData};
use distil_augment::Augmentation;
use distil_golden::{Fixture, Precision, check_all};
use serde::Deserialize;

/// Unknown options are errors: an option this test does not know might change the expected numbers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "fields that only have to parse")]
struct Options {
    op: String,
    align_corners: Option<bool>,
    shape: Option<[usize; 4]>,
    size: Option<[usize; 2]>,
}

#[test]
fn golden() {
    check_all(&["augment"], check);
}

fn check(fixture: &Fixture, precision: Precision) -> Result<(), String> {
    let options: Options = fixture.options()?;
    if options.align_corners == Some(false) {
        return Err("align_corners = false is not implemented".into());
    }
    let augmentation = augmentation(fixture, &options)?;
    let x = tensor(fixture, "x", precision)?.require_grad();
    let out = augmentation.apply(x.clone());
    fixture.expect("out", &values(out.clone()), precision)?;
    let gradients = (out * tensor(fixture, "cotangent", precision)?).sum().backward();
    let dx = x.grad(&gradients).ok_or("x has no gradient")?;
    fixture.expect("dx", &values(dx), precision)
}

fn augmentation(fixture: &Fixture, options: &Options) -> Result<Augmentation, String> {
    let numbers = |name: &str| -> Result<Vec<f32>, String> {
        Ok(fixture.float(name)?.values.iter().map(|&value| value as f32).collect())
    };
    let pairs = |name: &str| -> Result<Vec<[i64; 2]>, String> {
        Ok(fixture.integer(name)?.values.as_chunks().0.to_vec())
    };
    Ok(match options.op.as_str() {
        "brightness" => Augmentation::Brightness(numbers("brightness")?),
        "saturation" => Augmentation::Saturation(numbers("saturation")?),
        "contrast" => Augmentation::Contrast(numbers("contrast")?),
        "color" => Augmentation::Color {
            brightness: numbers("brightness")?,
            saturation: numbers("saturation")?,
            contrast: numbers("contrast")?,
        },
        "crop" => Augmentation::Crop(pairs("shift")?),
        "cutout" => {
            let size = options.size.ok_or("cutout has no `size`")?;
            Augmentation::Cutout { size, offset: pairs("offset")? }
        }
        "flip" => Augmentation::Flip(fixture.integer("flip")?.values.iter().map(|&f| f == 1).collect()),
        "scale" => Augmentation::Scale(numbers("scale")?.as_chunks().0.to_vec()),
        "rotate" => Augmentation::Rotate(numbers("angle")?),
        other => return Err(format!("op `{other}` is not known")),
    })
}

fn tensor(fixture: &Fixture, name: &str, precision: Precision) -> Result<Tensor<4>, String> {
    let array = fixture.float(name)?;
    let dtype = match precision {
        Precision::F64 => DType::F64,
        Precision::F32 => DType::F32,
    };
    let data = TensorData::new(array.values.clone(), array.shape.clone());
    Ok(Tensor::from_data(data, (&Device::flex().autodiff(), dtype)))
}

fn values(tensor: Tensor<4>) -> Vec<f64> {
    tensor.try_into_vec_as::<f64>().expect("the CPU device reads back")
}
