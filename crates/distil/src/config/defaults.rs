//! What a configuration starts from: the defaults of each section, and the published settings of its method.

use distil_data::{DataConfig, DatasetName};
use distil_eval::{Protocol, ProtocolName};
use distil_expert::Recipe;
use distil_match::{Method, MethodRow};
use distil_models::NetworkConfig;
use toml::{Table, Value};

use super::layers::{lookup, merge};

/// The configuration of a method on the built-in data, under a name, evaluated by the method's protocol or by a named one.
pub(super) fn table(row: &'static MethodRow, protocol: Option<ProtocolName>, name: &str) -> Table {
    let mut sections = sections(row);
    if protocol.is_some() {
        sections.remove("eval");
    }
    let usual = lookup(&sections, "eval.protocol").cloned();
    let usual = usual.map(|name| name.try_into::<ProtocolName>().expect("rows name protocols that exist"));
    let protocol = Protocol::named(protocol.or(usual).unwrap_or_default());
    let mut table = Table::new();
    let mut put = |key: &str, value: Result<Value, toml::ser::Error>| {
        table.insert(key.to_owned(), value.expect("defaults are plain TOML"));
    };
    put("name", Value::try_from(name));
    put("seed", Value::try_from(0));
    put("method", Value::try_from(row.name));
    put("data", Value::try_from(DataConfig::new(DatasetName::ClutterEasy)));
    put("model", Value::try_from(NetworkConfig::default()));
    put("expert", Value::try_from(Recipe::default()));
    put("distill", Value::try_from::<Method>((row.preset)()));
    put("eval", Value::try_from(protocol));
    merge(&mut table, &sections);
    table
}

/// What the method's row says of other sections.
fn sections(row: &MethodRow) -> Table {
    row.sections.iter().fold(Table::new(), |mut sections, text| {
        merge(&mut sections, &text.parse().expect("the sections of rows are TOML"));
        sections
    })
}
