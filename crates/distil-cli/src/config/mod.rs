//! The configuration of a run: built-in defaults < method preset < file < `--set`.

mod layers;
mod preset;
mod refusal;

use std::path::{Path, PathBuf};

use distil_data::DataConfig;
use distil_eval::Protocol;
use distil_expert::Recipe;
use distil_match::Method;
use distil_models::ConvNetConfig;
use distil_report::PaperFigure;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::failure::Failure;
pub(crate) use layers::Layer;
use layers::Layers;
pub(crate) use preset::MethodName;

/// Everything that decides what a run computes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Name of the run, and of its folder.
    pub(crate) name: String,
    /// Keys every random stream.
    pub(crate) seed: u64,
    /// The method whose preset the other sections start from.
    pub(crate) method: MethodName,
    /// Real data and preprocessing.
    pub(crate) data: DataConfig,
    /// The network of experts and students.
    pub(crate) model: ConvNetConfig,
    /// How experts are trained.
    pub(crate) expert: Recipe,
    /// How the set is distilled.
    pub(crate) distill: Method,
    /// How sets are evaluated.
    pub(crate) eval: Protocol,
    /// The published figure this configuration is to be compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) paper: Option<Paper>,
    /// `expert.store`: the folder of the experts, where it is not the default one.
    #[serde(skip)]
    pub(crate) store: Option<PathBuf>,
}

/// A published figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paper {
    /// Test accuracy in percent.
    accuracy: f64,
    /// Its standard deviation in percent points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    std: Option<f64>,
    /// Where it was published.
    source: String,
    /// What one must know to compare.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    note: String,
}

impl From<&Paper> for PaperFigure {
    fn from(paper: &Paper) -> Self {
        let Paper { accuracy, std, source, note } = paper.clone();
        Self { accuracy, std, source, note }
    }
}

impl Config {
    /// Reads `file`, puts `sets` (`a.b=c`) on top, and the preset of its method below.
    ///
    /// # Errors
    /// [`Failure`] names the file or `--set` and the key at fault, and what would do.
    pub(crate) fn load(file: &Path, sets: &[String]) -> Result<Self, Failure> {
        let stem =
            file.file_stem().map_or_else(|| "run".to_owned(), |stem| stem.to_string_lossy().into_owned());
        let mut user = vec![Layer::from_file(file)?];
        for set in sets {
            user.push(Layer::from_set(set)?);
        }
        Self::resolve(user, &stem)
    }

    /// Puts layers, the strongest last, over the preset of their method.
    ///
    /// # Errors
    /// [`Failure`] as for [`Config::load`].
    pub(crate) fn resolve(user: Vec<Layer>, default_name: &str) -> Result<Self, Failure> {
        let layers = Layers::new(user).starting_over("eval", "protocol");
        let method = named(&layers, "method")?.unwrap_or(MethodName::Mtt);
        let protocol = named(&layers, "eval.protocol")?.map_or_else(|| method.protocol(), Protocol::named);
        let base = preset::table(method, &protocol, default_name);
        let mut merged = layers.over(base.clone());
        let store = take_store(&mut merged, &layers)?;
        let config: Self = serde_path_to_error::deserialize(Value::Table(merged))
            .map_err(|error| refusal::of_value(&layers, &base, &error))?;
        let config = Self { store, ..config };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), Failure> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty() || self.name.starts_with('.') || !self.name.chars().all(plain) {
            return Err(Failure::new(
                format_args!("name = {:?} cannot name a folder", self.name),
                "use letters, digits, '-', '_' and '.'",
            ));
        }
        self.data.check()?;
        self.expert.check()?;
        self.distill.check(self.expert.epochs)?;
        self.eval.check()?;
        Ok(())
    }

    /// The resolved configuration as TOML, which reads back as the same configuration.
    pub(crate) fn to_toml(&self) -> String {
        let mut table = Table::try_from(self).expect("a configuration is plain TOML");
        if let Some(Value::Table(eval)) = table.get_mut("eval") {
            self.leave_out(eval);
        }
        if let (Some(store), Some(Value::Table(expert))) = (&self.store, table.get_mut("expert")) {
            expert.insert("store".to_owned(), Value::String(store.to_string_lossy().into_owned()));
        }
        toml::to_string_pretty(&table).expect("a table is plain TOML")
    }
}

impl Config {
    /// Leaves out what the protocol implies, so that configurations of earlier versions, which had no such keys, stay equal.
    fn leave_out(&self, eval: &mut Table) {
        let usual = self.method.protocol();
        let named = self.eval.protocol != usual.protocol;
        let implied = if named { Protocol::named(self.eval.protocol) } else { usual };
        let mut implied = Table::try_from(implied).expect("a protocol is plain TOML");
        if named {
            implied.remove("protocol");
        }
        for key in ["protocol", "optimiser", "schedule", "labels", "input"] {
            if eval.get(key) == implied.get(key) {
                eval.remove(key);
            }
        }
    }
}

/// The value of a key that names what others start from, if it is given.
fn named<T: for<'de> Deserialize<'de>>(layers: &Layers, key: &str) -> Result<Option<T>, Failure> {
    let value = layers.get(key).cloned().map(T::deserialize).transpose();
    value.map_err(|error| refusal::of_key(layers, &Table::new(), key, error.message()))
}

/// `expert.store` says where, not how: the recipe does not know it.
fn take_store(merged: &mut Table, layers: &Layers) -> Result<Option<PathBuf>, Failure> {
    let Some(Value::Table(expert)) = merged.get_mut("expert") else { return Ok(None) };
    match expert.remove("store") {
        None => Ok(None),
        Some(Value::String(path)) if !path.is_empty() => Ok(Some(PathBuf::from(path))),
        Some(_) => {
            Err(refusal::of_key(layers, &Table::new(), "expert.store", "expected the path of a folder"))
        }
    }
}

#[cfg(test)]
mod mutation;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod tests;
