//! A preprocessor that gives back the columns that it was given, or something worse.
//!
//! `columns` declares what it asks for and gives back, each as `type`, `type?` (nullable) or `[type]`; `mode` names the
//! misbehaviour, `amount` how much of it.

wit_bindgen::generate!({ path: "../../../wit/v0.1", world: "preprocessor" });

use exports::weir::plugin::preprocessing::{
    Column, ColumnType, Description, Failure, Guest, GuestPreprocessor, Input, Outcome, Output, Preprocessor, Reject,
    Setting,
};
use exports::weir::plugin::types::{ScalarType, SettingValue, Values};

struct Evil;
export!(Evil);

#[derive(Default)]
struct Echo {
    columns: Vec<(ColumnType, bool)>,
    mode: String,
    amount: u32,
}

impl Echo {
    fn of(options: &[Setting]) -> Result<Echo, String> {
        let mut echo = Echo::default();
        for Setting { name, value } in options {
            match (name.as_str(), value) {
                ("columns", SettingValue::Texts(texts)) => {
                    echo.columns = texts.iter().map(|text| column_type(text)).collect::<Result<_, _>>()?
                }
                ("mode", SettingValue::Text(text)) => echo.mode = text.clone(),
                ("amount", SettingValue::Int64(amount)) => echo.amount = *amount as u32,
                _ => {
                    return Err(format!("unknown option `{name}`; write columns, mode or amount"));
                }
            }
        }
        Ok(echo)
    }
}

fn column_type(text: &str) -> Result<(ColumnType, bool), String> {
    let is_nullable = text.ends_with('?');
    let text = text.trim_end_matches('?');
    let is_list = text.starts_with('[');
    let scalar = match text.trim_matches(['[', ']']) {
        "boolean" => ScalarType::Boolean,
        "int64" => ScalarType::Int64,
        "float64" => ScalarType::Float64,
        "decimal" => ScalarType::Decimal(None),
        "decimal2" => ScalarType::Decimal(Some(2)),
        "decimal19" => ScalarType::Decimal(Some(19)),
        "timestamp" => ScalarType::Timestamp,
        "text" => ScalarType::Text,
        other => return Err(format!("`{other}` is no type; write int64, float64, …")),
    };
    Ok((if is_list { ColumnType::ListOf(scalar) } else { ColumnType::Scalar(scalar) }, is_nullable))
}

impl Guest for Evil {
    type Preprocessor = Echo;

    fn describe(options: Vec<Setting>) -> Result<Description, String> {
        let echo = Echo::of(&options)?;
        let described = echo.columns.iter().enumerate();
        let inputs = described.clone().map(|(n, (type_, nullable))| Input {
            path: format!("in[].{n}"),
            type_: *type_,
            nullable: *nullable,
        });
        let outputs = described.map(|(n, (type_, nullable))| Output {
            name: format!("out_{n}"),
            type_: *type_,
            nullable: *nullable,
            description: String::new(),
        });
        Ok(Description {
            name: "evil-preprocessor".into(),
            version: "0.1.0-rc.1".into(),
            summary: "gives back what it gets, or worse".into(),
            inputs: inputs.collect(),
            outputs: outputs.collect(),
        })
    }
}

impl GuestPreprocessor for Echo {
    fn create(options: Vec<Setting>) -> Result<Preprocessor, String> {
        Echo::of(&options).map(Preprocessor::new)
    }

    fn process(&self, rows: u32, columns: Vec<Column>) -> Result<Outcome, Failure> {
        let mut outcome = Outcome { columns, keep: None, rejects: Vec::new() };
        let reject = |row| Reject { row, reason: "no\u{1b}such".into() };
        match self.mode.as_str() {
            "keep" => outcome.keep = Some(vec![self.amount as u8; rows.div_ceil(8) as usize]),
            "keep-short" => outcome.keep = Some(Vec::new()),
            "reject" => outcome.rejects = vec![reject(self.amount)],
            "rejects-twice" => outcome.rejects = vec![reject(0), reject(0)],
            "rejects-fall" => outcome.rejects = vec![reject(1), reject(0)],
            "infinite" | "infinite-filtered" | "infinite-rejected" => {
                if self.mode == "infinite-filtered" {
                    outcome.keep = Some(vec![!(1 << self.amount)]);
                }
                if self.mode == "infinite-rejected" {
                    outcome.rejects = vec![reject(self.amount)];
                }
                if let Values::Float64(values) = &mut outcome.columns[0].values {
                    values[self.amount as usize] = f64::INFINITY;
                }
            }
            "null" => {
                let mut bits = vec![0xff; rows.div_ceil(8) as usize];
                bits[self.amount as usize / 8] &= !(1 << (self.amount % 8));
                outcome.columns[0].validity = Some(bits);
            }
            "scale" => {
                if let Values::Decimal(decimals) = &mut outcome.columns[0].values {
                    decimals.scale = self.amount as u8;
                }
            }
            "lists-fall" => {
                if let Some(lists) = &mut outcome.columns[0].lists {
                    lists[1] = 1_000;
                }
            }
            "lists-beyond" => {
                if let Some(last) = outcome.columns[0].lists.as_mut().and_then(|lists| lists.last_mut()) {
                    *last += self.amount;
                }
            }
            "fail" => return Err(Failure::Other("cannot".into())),
            "panic" => panic!("as asked"),
            _ => {}
        }
        Ok(outcome)
    }
}
