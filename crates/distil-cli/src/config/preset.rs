//! What a configuration starts from: the published settings of its method.

use clap::ValueEnum;
use distil_augment::Strategy;
use distil_data::{DataConfig, DatasetName};
use distil_eval::{Protocol, ProtocolName};
use distil_expert::{Gsam, Recipe};
use distil_match::Method;
use distil_models::ConvNetConfig;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// A distillation method with a preset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MethodName {
    /// Matching training trajectories (Cazenavette et al., CVPR 2022).
    Mtt,
    /// Flat trajectory distillation (Du et al., CVPR 2023).
    Ftd,
    /// Trajectory matching with constant memory and a truncated gradient (Cui et al., ICML 2023).
    Tesla,
    /// Difficulty-aligned trajectory matching (Guo et al., ICLR 2024).
    Datm,
    /// DATM as it won the first dataset distillation challenge (ECCV 2024).
    MDatm,
    /// Emphasising discriminative features (Wang et al., CVPR 2025).
    Edf,
    /// Dataset distillation (Wang et al. 2018).
    Dd,
    /// Label distillation (Bohdal et al. 2020).
    Ld,
    /// Matching the effect of training on real images (EAD, under review).
    Ead,
    /// Dataset condensation with gradient matching (Zhao et al., ICLR 2021).
    Dc,
    /// Gradient matching with differentiable siamese augmentation (Zhao & Bilen, ICML 2021).
    Dsa,
    /// Distribution matching (Zhao & Bilen, WACV 2023).
    Dm,
    /// Random real images.
    Random,
    /// Herding on features of a trained network.
    Herding,
    /// Greedy k-center on features of a trained network.
    KCenter,
}

impl MethodName {
    /// The name as it is written in a configuration.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Mtt => "mtt",
            Self::Ftd => "ftd",
            Self::Tesla => "tesla",
            Self::Datm => "datm",
            Self::MDatm => "m-datm",
            Self::Edf => "edf",
            Self::Dd => "dd",
            Self::Ld => "ld",
            Self::Ead => "ead",
            Self::Dc => "dc",
            Self::Dsa => "dsa",
            Self::Dm => "dm",
            Self::Random => "random",
            Self::Herding => "herding",
            Self::KCenter => "k-center",
        }
    }

    fn method(self) -> Method {
        match self {
            Self::Mtt => Method::mtt(),
            Self::Ftd => Method::ftd(),
            Self::Tesla => Method::tesla(),
            Self::Datm => Method::datm(),
            Self::MDatm => Method::m_datm(),
            Self::Edf => Method::edf(),
            Self::Dd => Method::dd(),
            Self::Ld => Method::ld(),
            Self::Ead => Method::ead(),
            Self::Dc => Method::dc(),
            Self::Dsa => Method::dsa(),
            Self::Dm => Method::dm(),
            Self::Random => Method::random(),
            Self::Herding => Method::herding(),
            Self::KCenter => Method::k_center(),
        }
    }

    /// Experts are trained by SGD as MTT's, but FTD's, DATM's and its successors' by GSAM, and these for twice as long.
    /// EAD's paper says only that its training is short; half of MTT's is ours.
    fn recipe(self) -> Recipe {
        let gsam = Some(Gsam { rho: 0.01, alpha: 0.3 });
        match self {
            // One trained network gives the features.
            Self::Herding | Self::KCenter => Recipe { experts: 1, ..Recipe::default() },
            Self::Ead => Recipe { epochs: 25, ..Recipe::default() },
            Self::Ftd => Recipe { gsam, ..Recipe::default() },
            Self::Datm | Self::MDatm | Self::Edf => Recipe { gsam, epochs: 100, ..Recipe::default() },
            _ => Recipe::default(),
        }
    }

    /// How sets of this method are evaluated where the configuration names no protocol.
    pub(crate) fn protocol(self) -> Protocol {
        match self {
            // Without augmentation, and for fewer epochs.
            Self::Dc => Protocol { epochs: 300, augmentation: Strategy::none(), ..Protocol::default() },
            Self::Datm | Self::Edf => Protocol::named(ProtocolName::Datm),
            Self::MDatm => Protocol::named(ProtocolName::Eccv2024),
            _ => Protocol::default(),
        }
    }
}

/// The configuration of `method` on the built-in data, under a name, evaluated by `protocol`.
pub(crate) fn table(method: MethodName, protocol: &Protocol, name: &str) -> Table {
    let mut table = Table::new();
    let mut put = |key: &str, value: Result<Value, toml::ser::Error>| {
        table.insert(key.to_owned(), value.expect("defaults are plain TOML"));
    };
    put("name", Value::try_from(name));
    put("seed", Value::try_from(0));
    put("method", Value::try_from(method));
    put("data", Value::try_from(DataConfig::new(DatasetName::ClutterEasy)));
    put("model", Value::try_from(ConvNetConfig::default()));
    put("expert", Value::try_from(method.recipe()));
    put("distill", Value::try_from(method.method()));
    put("eval", Value::try_from(protocol));
    table
}
