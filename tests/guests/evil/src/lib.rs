//! An evil KPI: honest in all it does until an option says otherwise.
//!
//! Honest, it sums `amount` and counts rows per slot. `mode` names the misbehaviour, `in` the call in which it happens (default
//! `update`), `amount` how much of it. It is written against the WIT itself, because an SDK would not let it.

wit_bindgen::generate!({ path: "../../../wit/v0.1", world: "kpi" });

use exports::weir::plugin::aggregation::{
    Aggregator, Column, ColumnType, Description, Failure, Guest, GuestAggregator, Input, Output, Rows, Setting,
};
use exports::weir::plugin::types::{Decimals, RowFailure, ScalarType, SettingValue, Texts, Values};
use std::cell::RefCell;

struct Evil;
export!(Evil);

#[derive(Clone, Default)]
struct Plan {
    mode: String,
    call: String,
    amount: u64,
}

impl Plan {
    fn of(options: &[Setting]) -> Result<Plan, String> {
        let mut plan = Plan { call: "update".into(), ..Plan::default() };
        for Setting { name, value } in options {
            match (name.as_str(), value) {
                ("mode", SettingValue::Text(text)) => plan.mode = text.clone(),
                ("in", SettingValue::Text(text)) => plan.call = text.clone(),
                ("amount", SettingValue::Int64(amount)) => plan.amount = *amount as u64,
                ("ignored", _) => {}
                _ => return Err(format!("unknown option `{name}`; write mode, in or amount")),
            }
        }
        Ok(plan)
    }

    /// Misbehaves where this is the call for it.
    fn act(&self, call: &str) -> Result<(), Failure> {
        if call != self.call {
            return Ok(());
        }
        match self.mode.as_str() {
            "memory" => {
                let bytes = vec![1_u8; self.amount as usize];
                std::hint::black_box(&bytes);
            }
            "spin" => spin(self.amount),
            "recurse" => {
                std::hint::black_box(recurse(self.amount));
            }
            "handles" => {
                for _ in 0..self.amount {
                    std::mem::forget(Aggregator::new(Sums::default()));
                }
            }
            "panic" => panic!("as asked"),
            "out-of-bounds" => {
                // SAFETY: none; this is what the test is about.
                let value = unsafe { std::ptr::read_volatile(0xffff_fff0 as *const u8) };
                std::hint::black_box(value);
            }
            "fail" => return Err(Failure::Other("this cannot\u{1b}[31m be".into())),
            "fail-row" => {
                return Err(Failure::AtRow(RowFailure { row: self.amount as u32, reason: "overflow".into() }));
            }
            _ => {}
        }
        Ok(())
    }

    fn is(&self, mode: &str) -> bool {
        self.mode == mode
    }
}

fn spin(rounds: u64) {
    let mut x = 1_u64;
    for round in 0..rounds {
        x = std::hint::black_box(x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(round));
    }
}

#[inline(never)]
fn recurse(depth: u64) -> u64 {
    let frame = std::hint::black_box([depth; 16]);
    if depth == 0 { frame[3] } else { recurse(depth - 1) + frame[5] }
}

#[derive(Default)]
struct Sums {
    plan: Plan,
    slots: RefCell<Vec<(f64, i64)>>,
}

impl Sums {
    fn fold(&self, group: u32, sum: f64, count: i64) {
        let mut slots = self.slots.borrow_mut();
        let slot = group as usize;
        if slots.len() <= slot {
            slots.resize(slot + 1, (0.0, 0));
        }
        slots[slot].0 += sum;
        slots[slot].1 += count;
    }

    fn get(&self, group: u32) -> (f64, i64) {
        self.slots.borrow().get(group as usize).copied().unwrap_or_default()
    }
}

fn plain(values: Values) -> Column {
    Column { lists: None, values, validity: None, element_validity: None }
}

fn floats(column: &Column) -> &[f64] {
    match &column.values {
        Values::Float64(values) => values,
        _ => panic!("not floats"),
    }
}

fn ints(column: &Column) -> &[i64] {
    match &column.values {
        Values::Int64(values) => values,
        _ => panic!("not int64s"),
    }
}

impl Guest for Evil {
    type Aggregator = Sums;

    fn describe(options: Vec<Setting>) -> Result<Description, String> {
        let plan = Plan::of(&options)?;
        if plan.call == "describe" {
            plan.act("describe").map_err(|_| "failed".to_string())?;
        }
        let output = |name: &str, scalar, additive| Output {
            name: name.into(),
            type_: ColumnType::Scalar(scalar),
            nullable: false,
            unit: Some("GBP".into()),
            description: format!("the {name}"),
            additive,
        };
        let name = if plan.is("bad-name") { "Not A Name" } else { "evil" };
        let first = if plan.is("reserved-output") { "window" } else { "total" };
        let mut outputs = vec![output(first, ScalarType::Float64, true), output("count", ScalarType::Int64, true)];
        outputs.push(output("label", ScalarType::Text, false));
        if plan.is("twin-outputs") {
            outputs[1].name = "total".into();
        }
        if plan.is("many-outputs") {
            outputs = (0..plan.amount).map(|n| output(&format!("o{n}"), ScalarType::Int64, false)).collect();
        }
        Ok(Description {
            name: name.into(),
            version: "1.2.3".into(),
            summary: "sums, or worse".into(),
            inputs: vec![Input {
                path: "amount".into(),
                type_: ColumnType::Scalar(ScalarType::Float64),
                nullable: true,
            }],
            outputs,
            state_version: 1,
            state: vec![ColumnType::Scalar(ScalarType::Float64), ColumnType::Scalar(ScalarType::Int64)],
        })
    }
}

impl GuestAggregator for Sums {
    fn create(options: Vec<Setting>) -> Result<Aggregator, String> {
        let plan = Plan::of(&options)?;
        plan.act("create").map_err(|_| "failed".to_string())?;
        Ok(Aggregator::new(Sums { plan, slots: RefCell::default() }))
    }

    fn update(&self, groups: Vec<u32>, columns: Vec<Column>) -> Result<(), Failure> {
        self.plan.act("update")?;
        if self.plan.is("spin-per-row") {
            groups.iter().for_each(|_| spin(self.plan.amount));
        }
        let validity = columns[0].validity.as_deref();
        for (row, (group, value)) in groups.iter().zip(floats(&columns[0])).enumerate() {
            if validity.is_none_or(|bits| bits[row / 8] >> (row % 8) & 1 == 1) {
                self.fold(*group, *value, 1);
            }
        }
        Ok(())
    }

    fn merge(&self, groups: Vec<u32>, state: Vec<Column>) -> Result<(), Failure> {
        self.plan.act("merge")?;
        for (row, group) in groups.iter().enumerate() {
            self.fold(*group, floats(&state[0])[row], ints(&state[1])[row]);
        }
        Ok(())
    }

    fn state(&self, groups: Vec<u32>) -> Result<Vec<Column>, Failure> {
        self.plan.act("state")?;
        let sums: Vec<f64> = groups.iter().map(|group| self.get(*group).0).collect();
        let mut counts: Vec<i64> = groups.iter().map(|group| self.get(*group).1).collect();
        if self.plan.is("short-state") {
            counts.pop();
        }
        Ok(vec![plain(Values::Float64(sums)), plain(Values::Int64(counts))])
    }

    fn evaluate(&self, groups: Vec<u32>, _starts: Vec<i64>, _ends: Vec<i64>) -> Result<Rows, Failure> {
        self.plan.act("evaluate")?;
        let n = groups.len();
        let sums: Vec<f64> = groups.iter().map(|group| self.get(*group).0).collect();
        let counts: Vec<i64> = groups.iter().map(|group| self.get(*group).1).collect();
        let texts: Vec<String> = counts.iter().map(|count| format!("n={count}")).collect();
        let mut offsets = vec![0];
        texts.iter().for_each(|text| offsets.push(offsets.last().copied().unwrap_or(0) + text.len() as u32));
        let bytes = texts.concat().into_bytes();
        let mut rows = Rows {
            places: (0..n as u32).collect(),
            columns: vec![
                plain(Values::Float64(sums)),
                plain(Values::Int64(counts)),
                plain(Values::Text(Texts { offsets, bytes })),
            ],
        };
        self.spoil(&mut rows);
        Ok(rows)
    }

    fn clear(&self, groups: Vec<u32>) {
        if self.plan.act("clear").is_err() {
            panic!("clear cannot fail");
        }
        for group in groups {
            if let Some(slot) = self.slots.borrow_mut().get_mut(group as usize) {
                *slot = (0.0, 0);
            }
        }
    }
}

impl Sums {
    fn spoil(&self, rows: &mut Rows) {
        let n = rows.places.len();
        match self.plan.mode.as_str() {
            "result" => {
                rows.columns[2] =
                    plain(Values::Text(Texts { offsets: vec![0; n + 1], bytes: vec![b'x'; self.plan.amount as usize] }))
            }
            "column-missing" => {
                rows.columns.pop();
            }
            "column-extra" => rows.columns.push(plain(Values::Int64(vec![0; n]))),
            "column-type" => rows.columns[0] = plain(Values::Int64(vec![0; n])),
            "column-decimal" => rows.columns[0] = plain(Values::Decimal(Decimals { scale: 2, mantissas: vec![0; n] })),
            "column-short" => rows.columns[0] = plain(Values::Float64(vec![0.0; n - 1])),
            "column-long" => rows.columns[0] = plain(Values::Float64(vec![0.0; n + 1])),
            "column-lists" => rows.columns[0].lists = Some(vec![0; n + 1]),
            "column-null" => rows.columns[0].validity = Some(vec![0; n.div_ceil(8)]),
            "validity-short" => rows.columns[0].validity = Some(Vec::new()),
            "element-validity" => rows.columns[0].element_validity = Some(vec![0xff]),
            "nan" => rows.columns[0] = plain(Values::Float64(vec![f64::NAN; n])),
            "places-fall" => rows.places.reverse(),
            "places-beyond" => rows.places[n - 1] = n as u32,
            "offsets-fall" => self.text(rows, |texts| texts.offsets[1] = u32::MAX),
            "offsets-beyond" => self.text(rows, |texts| *texts.offsets.last_mut().unwrap() += 1),
            "offsets-first" => self.text(rows, |texts| texts.offsets[0] = 1),
            "offsets-short" => self.text(rows, |texts| texts.offsets.truncate(1)),
            "utf8" => self.text(rows, |texts| texts.bytes[0] = 0xff),
            "utf8-split" => self.text(rows, |texts| {
                texts.bytes = "\u{e9}".as_bytes().to_vec();
                texts.offsets = (0..=n as u32).map(|n| n.min(2)).collect();
            }),
            _ => {}
        }
    }

    fn text(&self, rows: &mut Rows, spoil: impl FnOnce(&mut Texts)) {
        if let Values::Text(texts) = &mut rows.columns[2].values {
            spoil(texts);
        }
    }
}
