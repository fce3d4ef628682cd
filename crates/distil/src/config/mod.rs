//! The configuration of a run: built-in defaults < method preset < file < `--set`.

mod defaults;
mod error;
mod home;
mod layers;
mod refusal;
mod schema;

use std::path::{Path, PathBuf};

use distil_data::DataConfig;
use distil_eval::Protocol;
use distil_expert::Recipe;
use distil_match::{AreaEnhancement, Method, MethodName, methods};
use distil_models::NetworkConfig;
use distil_store::PaperFigure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

pub use error::ConfigError;
pub use home::{home, in_home};
pub use layers::Layer;
use layers::Layers;
pub(crate) use layers::merge;
use refusal::Refusal;
pub use schema::{keys, schema};

/// Everything that decides what a run computes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Name of the run, and of its folder.
    pub name: String,
    /// Seed of all random numbers.
    pub seed: u64,
    /// The method whose preset the other sections start from.
    pub method: MethodName,
    /// Real data and preprocessing.
    pub data: DataConfig,
    /// The network of experts and students.
    pub model: NetworkConfig,
    /// How experts are trained.
    pub expert: Recipe,
    /// How the set is distilled.
    #[serde(skip_deserializing, default = "Method::mtt")]
    #[schemars(skip)]
    pub distill: Method,
    /// How sets are evaluated.
    pub eval: Protocol,
    /// The published figure this configuration is to be compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paper: Option<PaperFigure>,
    /// `expert.store`: the folder of the experts, where it is not the default one.
    #[serde(skip)]
    pub store: Option<PathBuf>,
}

impl Config {
    /// The defaults of every section on these data, with the published settings of the first method.
    pub fn new(data: DataConfig) -> Self {
        let row = methods()[0];
        Self {
            name: "session".to_owned(),
            seed: 0,
            method: MethodName::from(row),
            data,
            model: NetworkConfig::default(),
            expert: Recipe::default(),
            distill: (row.preset)(),
            eval: Protocol::default(),
            paper: None,
            store: None,
        }
    }

    /// Reads `file`, puts `sets` (`a.b=c`) on top, and the preset of its method below.
    ///
    /// # Errors
    /// [`ConfigError`] names the file or `--set` and the key at fault, and the remedy.
    pub fn load(file: &Path, sets: &[String]) -> Result<Self, ConfigError> {
        let stem =
            file.file_stem().map_or_else(|| "run".to_owned(), |stem| stem.to_string_lossy().into_owned());
        let mut user = vec![Layer::from_file(file)?];
        for set in sets {
            user.push(Layer::from_set(set)?);
        }
        Self::resolve(user, &stem)
    }

    /// The defaults of every section on these data, with `sets` (`a.b=c`) on top.
    ///
    /// # Errors
    /// [`ConfigError`] as for [`Config::load`].
    pub fn on(data: &DataConfig, sets: &[String]) -> Result<Self, ConfigError> {
        let mut table = Table::new();
        table.insert("data".to_owned(), Value::try_from(data).expect("a configuration is plain TOML"));
        let mut layers = vec![Layer::from_table(table, "the dataset named")];
        for set in sets {
            layers.push(Layer::from_set(set)?);
        }
        Self::resolve(layers, "session")
    }

    /// Puts layers, the strongest last, over the preset of their method.
    ///
    /// # Errors
    /// [`ConfigError`] as for [`Config::load`].
    pub fn resolve(user: Vec<Layer>, default_name: &str) -> Result<Self, ConfigError> {
        let layers = Layers::new(user).starting_over("eval", "protocol");
        let method = match named(&layers, "method")? {
            Some(method) => method,
            None => MethodName::from(methods()[0]),
        };
        let base = defaults::table(method.row(), named(&layers, "eval.protocol")?, default_name);
        let refusal = Refusal { layers: &layers, base: &base, method: Some(method) };
        let mut merged = home::expanded(layers.over(base.clone()));
        let store = take_store(&mut merged, &refusal)?;
        let distill = match merged.remove("distill") {
            Some(Value::Table(table)) => method.row().read(table).map_err(|error| {
                let path = format!("distill.{}", error.key);
                refusal.of_value(path.trim_end_matches('.'), &error.message)
            })?,
            _ => return Err(refusal.of_key("distill", "expected a table")),
        };
        let config: Self = serde_path_to_error::deserialize(Value::Table(merged))
            .map_err(|error| refusal.of_value(at(&error).trim_start_matches('.'), error.inner().message()))?;
        let config = Self { distill, store, ..config };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty() || self.name.starts_with('.') || !self.name.chars().all(plain) {
            return Err(ConfigError::new(
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

    /// The published figure, with what of this run is other than in the row.
    pub(crate) fn published(&self) -> Option<PaperFigure> {
        let mut paper = self.paper.clone()?;
        let own_maps = |area: &AreaEnhancement| area.model.is_none() && area.masks.is_none();
        if self.distill.enhancement().is_some_and(own_maps) {
            let said =
                "maps are of a ConvNet trained on these data, not of the published network (reproduce --cam)";
            paper.note =
                if paper.note.is_empty() { said.to_owned() } else { format!("{}; {said}", paper.note) };
        }
        Some(paper)
    }

    /// The resolved configuration as TOML, which reads back as the same configuration.
    pub fn to_toml(&self) -> String {
        let mut table = Table::try_from(self).expect("a configuration is plain TOML");
        if let (Some(store), Some(Value::Table(expert))) = (&self.store, table.get_mut("expert")) {
            expert.insert("store".to_owned(), Value::String(store.to_string_lossy().into_owned()));
        }
        toml::to_string_pretty(&table).expect("a table is plain TOML")
    }
}

/// Where serde stopped.
fn at(error: &serde_path_to_error::Error<toml::de::Error>) -> String {
    error.path().to_string()
}

/// The value of a key that names what others start from, if it is given.
fn named<T: for<'de> Deserialize<'de>>(layers: &Layers, key: &str) -> Result<Option<T>, ConfigError> {
    let value = layers.get(key).cloned().map(T::deserialize).transpose();
    let nothing = Table::new();
    let refusal = Refusal { layers, base: &nothing, method: None };
    value.map_err(|error| refusal.of_key(key, error.message()))
}

/// `expert.store` says where, not how: the recipe does not know it.
fn take_store(merged: &mut Table, refusal: &Refusal<'_>) -> Result<Option<PathBuf>, ConfigError> {
    let Some(Value::Table(expert)) = merged.get_mut("expert") else { return Ok(None) };
    match expert.remove("store") {
        None => Ok(None),
        Some(Value::String(path)) if !path.is_empty() => Ok(Some(PathBuf::from(path))),
        Some(_) => Err(refusal.of_key("expert.store", "expected the path of a folder")),
    }
}

#[cfg(test)]
mod mutation;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod tests;
