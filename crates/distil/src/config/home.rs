//! `~/photos`: paths below the user's home folder, which no shell expands inside `--set data.path=~/photos`, `--out=~/runs`
//! or a configuration.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use toml::{Table, Value};

/// The path that a text starting with `~/`, or `~` alone, means; `None` for any other text, and without a home folder.
///
/// ```
/// assert_eq!(distil::config::in_home("photos/~".as_ref(), Some("/home/ada".as_ref())), None);
/// let path = distil::config::in_home("~/photos".as_ref(), Some("/home/ada".as_ref()));
/// assert_eq!(path, Some("/home/ada/photos".into()));
/// ```
pub fn in_home(text: &OsStr, home: Option<&OsStr>) -> Option<OsString> {
    let below = Path::new(text).strip_prefix("~").ok()?;
    let home = home.filter(|home| !home.is_empty())?;
    let path =
        if below.as_os_str().is_empty() { Path::new(home).into() } else { Path::new(home).join(below) };
    Some(path.into_os_string())
}

/// The user's home folder.
pub fn home() -> Option<OsString> {
    std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE"))
}

/// The same settings with the paths in them expanded: every text that starts with `~/` is one.
pub(super) fn expanded(table: Table) -> Table {
    let home = home();
    table.into_iter().map(|(key, value)| (key, value_in(value, home.as_deref()))).collect()
}

fn value_in(value: Value, home: Option<&OsStr>) -> Value {
    match value {
        Value::String(text) => {
            let path = in_home(text.as_ref(), home).and_then(|path| path.into_string().ok());
            Value::String(path.unwrap_or(text))
        }
        Value::Array(items) => Value::Array(items.into_iter().map(|item| value_in(item, home)).collect()),
        Value::Table(table) => {
            Value::Table(table.into_iter().map(|(key, value)| (key, value_in(value, home))).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_leading_tilde_is_the_home_folder() {
        let path = |text: &str| in_home(text.as_ref(), Some("/home/ada".as_ref()));
        assert_eq!(path("~"), Some("/home/ada".into()));
        assert_eq!(path("~/a b/~"), Some("/home/ada/a b/~".into()));
        assert!(["", "~bob/x", "./~/x", "a~/x", "mnist"].iter().all(|text| path(text).is_none()));
        assert_eq!(in_home("~/x".as_ref(), None), None);
    }

    #[test]
    fn paths_are_found_wherever_they_stand() {
        let table: Table = "a = '~/x'\nb = ['~/y', 1]\n[c]\nd = 'no ~/z'".parse().unwrap();
        let value = value_in(Value::Table(table), Some("/h".as_ref()));
        let wanted: Table = "a = '/h/x'\nb = ['/h/y', 1]\n[c]\nd = 'no ~/z'".parse().unwrap();
        assert_eq!(value, Value::Table(wanted));
    }
}
