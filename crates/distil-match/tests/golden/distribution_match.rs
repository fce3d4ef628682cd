use burn::tensor::{IndexingUpdateOp, Tensor, TensorData};
use distil_augment::Augmentation;
use distil_engine::At;
use distil_golden::{Fixture, Net, Precision, floats};
use distil_match::{View, match_embeddings};
use serde::Deserialize;

use super::engine;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "options that only repeat a shape are named so that unknown ones are refused")]
struct Options {
    net: Net,
    real: usize,
    synthetic: usize,
}

pub(crate) fn check(fixture: &Fixture, precision: Precision) -> Result<(), String> {
    let options: Options = fixture.options()?;
    let (engine, net) = (&engine(), options.net.build());
    let theta: Tensor<1> = fixture.tensor("theta", precision)?;
    let images = |name| fixture.tensor::<4>(name, precision);
    let (x_real, x_syn) = (images("x_real")?, images("x_syn")?);
    let rows_of = |name: &str, class: usize| -> Result<Tensor<1, burn::tensor::Int>, String> {
        let labels = &fixture.integer(name)?.values;
        let rows: Vec<i64> =
            (0..labels.len() as i64).filter(|&i| labels[i as usize] == class as i64).collect();
        Ok(Tensor::from_data(TensorData::from(rows.as_slice()), &theta.device()))
    };
    let at = At::training(&net, &theta);
    for micro_batch in [usize::MAX, 1] {
        let view = View { engine, at, augmentation: &Augmentation::None, micro_batch };
        let (mut mean_real, mut mean_syn, mut loss) = (Vec::new(), Vec::new(), 0.0);
        let mut gradient = x_syn.zeros_like();
        for class in 0..options.net.classes {
            let of_class = x_real.clone().select(0, rows_of("labels_real", class)?);
            let chunk = |range| of_class.clone().slice([range]);
            let real = engine.mean_features(at, of_class.dims()[0], micro_batch, chunk);
            let rows = rows_of("labels_syn", class)?;
            let found = match_embeddings(view, &real, &x_syn.clone().select(0, rows.clone()));
            mean_real.extend(floats(real));
            mean_syn.extend(floats(found.mean));
            loss += floats(found.loss)[0];
            gradient = gradient.select_assign(0, rows, found.images, IndexingUpdateOp::Add);
        }
        fixture.expect("mean_real", &mean_real, precision)?;
        fixture.expect("mean_syn", &mean_syn, precision)?;
        fixture.expect("loss", &[loss], precision)?;
        fixture.expect("dx_syn", &floats(gradient), precision)?;
    }
    Ok(())
}
