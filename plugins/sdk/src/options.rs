//! A plugin's options: what stands under `options = { … }` of the pipeline file, read once into the author's type.

use crate::bindings::exports::weir::plugin::types::{Setting, SettingValue};

/// The options that were given, by name.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    given: &'a [Setting],
}

/// An author's options; made by `#[derive(Options)]`, or `()` for none.
pub trait Options: Sized + 'static {
    /// Every name that `read` knows; any other is refused.
    const NAMES: &'static [&'static str];

    /// Reads the options.
    ///
    /// # Errors
    /// Names the option and what to write instead.
    fn read(settings: Settings<'_>) -> Result<Self, String>;
}

impl Options for () {
    const NAMES: &'static [&'static str] = &[];

    fn read(_settings: Settings<'_>) -> Result<(), String> {
        Ok(())
    }
}

/// Reads the options, after refusing names that the plugin does not know or that come twice.
///
/// # Errors
/// Names the option and the known ones.
pub fn read_options<O: Options>(given: &[Setting]) -> Result<O, String> {
    for (i, setting) in given.iter().enumerate() {
        if !O::NAMES.contains(&setting.name.as_str()) {
            return Err(format!("unknown option `{}`; {}", setting.name, known(O::NAMES)));
        }
        if given.iter().take(i).any(|earlier| earlier.name == setting.name) {
            return Err(format!("option `{}` is given twice; write it once", setting.name));
        }
    }
    O::read(Settings { given })
}

fn known(names: &[&str]) -> String {
    match names {
        [] => "this plugin has no options".to_owned(),
        names => {
            format!("the options are {}", names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
        }
    }
}

impl<'a> Settings<'a> {
    /// An option, or `None` where it was not given.
    ///
    /// # Errors
    /// Where it is of another type.
    pub fn get<T: FromSetting>(&self, name: &str) -> Result<Option<T>, String> {
        let Some(setting) = self.given.iter().find(|setting| setting.name == name) else {
            return Ok(None);
        };
        match T::from_setting(&setting.value) {
            Some(value) => Ok(Some(value)),
            None => Err(format!("option `{name}` must be {}, as in `{name} = {}`", T::WHAT, T::EXAMPLE)),
        }
    }

    /// An option that must be given.
    ///
    /// # Errors
    /// Where it is not, or is of another type.
    pub fn required<T: FromSetting>(&self, name: &str) -> Result<T, String> {
        self.get(name)?.ok_or_else(|| format!("option `{name}` is missing; write `{name} = {}`", T::EXAMPLE))
    }
}

/// A type that an option may have: `bool`, `i64`, `f64`, `String`, and `Vec` of the last three.
pub trait FromSetting: Sized {
    /// What it is, for a message.
    const WHAT: &'static str;
    /// How it is written.
    const EXAMPLE: &'static str;

    /// The value, where the setting has this type.
    fn from_setting(value: &SettingValue) -> Option<Self>;
}

macro_rules! from_setting {
    ($type:ty, $what:literal, $example:literal, $($pattern:pat => $value:expr),*) => {
        impl FromSetting for $type {
            const WHAT: &'static str = $what;
            const EXAMPLE: &'static str = $example;

            fn from_setting(value: &SettingValue) -> Option<Self> {
                match value {
                    $($pattern => $value,)*
                    _ => None,
                }
            }
        }
    };
}

from_setting!(bool, "true or false", "true", SettingValue::Boolean(value) => Some(*value));
from_setting!(i64, "a whole number", "10", SettingValue::Int64(value) => Some(*value));
from_setting!(f64, "a number", "0.95", SettingValue::Float64(value) => Some(*value), SettingValue::Int64(value) => exactly(*value));
from_setting!(String, "a text", "\"GBP\"", SettingValue::Text(value) => Some(value.clone()));
from_setting!(Vec<i64>, "a list of whole numbers", "[1, 2]", SettingValue::Int64s(values) => Some(values.clone()));
from_setting!(Vec<f64>, "a list of numbers", "[0.5, 0.95]",
    SettingValue::Float64s(values) => Some(values.clone()),
    SettingValue::Int64s(values) => values.iter().map(|value| exactly(*value)).collect());
from_setting!(Vec<String>, "a list of texts", "[\"GBP\", \"EUR\"]", SettingValue::Texts(values) => Some(values.clone()));

/// A whole number as a float, where none of its digits are lost.
fn exactly(value: i64) -> Option<f64> {
    (value.unsigned_abs() <= 1 << 53).then_some(value as f64)
}

#[cfg(test)]
mod tests;
