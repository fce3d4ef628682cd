//! The same images with the input normalisation of another line of code.

use distil_store::{Normalisation, Preprocessing};

use crate::{
    dataset::{Dataset, Split},
    datasets::DatasetName,
    error::Error,
    images::Images,
    normalise::mean_std,
};

impl Dataset {
    /// The same images normalised as DC's code and the ECCV 2024 challenge do: mean and standard deviation, never ZCA,
    /// and CIFAR-100 by its own statistics. The resize stays.
    ///
    /// # Errors
    /// [`Error::Count`] when the dataset holds network input without pixels.
    pub fn renormalised(&self) -> Result<Self, Error> {
        let normalisation = self.plain_normalisation();
        if normalisation == self.preprocessing().normalisation {
            return Ok(self.clone());
        }
        let pixels = |split: &Split| {
            let bytes = split.images.bytes().ok_or_else(|| Error::Count {
                what: format!("pixel bytes of {}", self.name),
                found: 0,
                expected: split.len() * self.shape().len(),
            })?;
            Split::new(Images::from_u8(self.shape(), bytes.to_vec())?, split.labels.clone())
        };
        let splits = [pixels(&self.train)?, pixels(&self.validation)?, pixels(&self.test)?];
        let preprocessing = Preprocessing { resize: self.preprocessing().resize, normalisation };
        Self::from_parts(self.name.clone(), self.class_names.clone(), splits, preprocessing)
    }

    fn plain_normalisation(&self) -> Normalisation {
        let row = self.name.parse().ok().map(DatasetName::spec);
        let published = row.and_then(|row| row.mean_std_of_dc.or(row.mean_std));
        match (published, &self.preprocessing().normalisation) {
            (Some(published), _) => published.normalisation(),
            (None, Normalisation::Zca(_)) => {
                let (mean, std) = mean_std(&self.train);
                Normalisation::MeanStd { mean, std }
            }
            (None, other) => other.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::images::ImageShape;

    fn dataset(name: &str, normalisation: Normalisation) -> Dataset {
        let shape = ImageShape { channels: 3, height: 1, width: 1 };
        let split = || Split::new(Images::from_u8(shape, vec![0, 51, 255]).unwrap(), vec![0]).unwrap();
        let preprocessing = Preprocessing { resize: None, normalisation };
        Dataset::from_parts(name, vec!["one".to_owned()], [split(), split(), split()], preprocessing).unwrap()
    }

    #[test]
    fn cifar_100_has_its_own_statistics_and_others_keep_theirs() {
        let mtt =
            Normalisation::MeanStd { mean: vec![0.4914, 0.4822, 0.4465], std: vec![0.2023, 0.1994, 0.2010] };
        let before = dataset("cifar100", mtt.clone());
        let after = before.renormalised().unwrap();
        let expected = [(0.0 - 0.5071) / 0.2673, (0.2 - 0.4866) / 0.2564, (1.0 - 0.4409) / 0.2762];
        assert_eq!(after.test.images.gather(&[0]), expected);
        assert_ne!(after.digest, before.digest);
        let cifar10 = dataset("cifar10", mtt.clone());
        assert_eq!(cifar10.renormalised().unwrap(), cifar10);
        let own = dataset("flowers", mtt);
        assert_eq!(own.renormalised().unwrap(), own);
    }

    #[test]
    fn network_input_without_pixels_is_refused() {
        let mut data = dataset("cifar100", Normalisation::Identity);
        let shape = data.shape();
        data.test.images = Images::from_f32(shape, vec![0.0; 3]).unwrap();
        assert!(data.renormalised().unwrap_err().to_string().contains("pixel bytes of cifar100"));
    }
}
