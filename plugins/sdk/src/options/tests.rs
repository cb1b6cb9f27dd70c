use super::*;
use crate::prelude::Options;

#[derive(Debug, PartialEq, Options)]
struct Thresholds {
    currency: String,
    #[option(default = 10)]
    top: i64,
    quantiles: Option<Vec<f64>>,
    #[option(default = false)]
    strict: bool,
}

fn setting(name: &str, value: SettingValue) -> Setting {
    Setting { name: name.to_owned(), value }
}

fn gbp() -> Setting {
    setting("currency", SettingValue::Text("GBP".to_owned()))
}

#[test]
fn given_left_out_and_defaults() {
    let read = read_options::<Thresholds>(&[gbp(), setting("quantiles", SettingValue::Int64s(vec![0, 1]))]).unwrap();
    let quantiles = Some(vec![0.0, 1.0]);
    assert_eq!(read, Thresholds { currency: "GBP".to_owned(), top: 10, quantiles, strict: false });
    let read = read_options::<Thresholds>(&[gbp(), setting("top", SettingValue::Int64(3))]).unwrap();
    assert_eq!((read.top, read.quantiles), (3, None));
}

#[test]
fn mistakes_say_what_to_write() {
    let error = |settings: &[Setting]| read_options::<Thresholds>(settings).unwrap_err();
    assert_eq!(
        error(&[setting("tpo", SettingValue::Int64(3))]),
        "unknown option `tpo`; the options are `currency`, `top`, `quantiles`, `strict`"
    );
    assert_eq!(error(&[]), "option `currency` is missing; write `currency = \"GBP\"`");
    assert_eq!(
        error(&[gbp(), setting("top", SettingValue::Text("3".to_owned()))]),
        "option `top` must be a whole number, as in `top = 10`"
    );
    assert_eq!(error(&[gbp(), gbp()]), "option `currency` is given twice; write it once");
    assert_eq!(read_options::<()>(&[gbp()]).unwrap_err(), "unknown option `currency`; this plugin has no options");
    assert!(
        error(&[gbp(), setting("quantiles", SettingValue::Int64s(vec![(1 << 53) + 1]))]).contains("a list of numbers")
    );
}
