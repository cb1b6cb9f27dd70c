//! What a row costs in each plugin alone, as a component with its limits on and natively, and what the fold adds around it.
//! `cargo bench -p weir --bench plugins`
//!
//! It decodes once and then repeats single calls, so that a change of the SDK's loops shows in nanoseconds and in fuel, which is the
//! same on every machine. Components are taken from `pipelines/plugins` (`cargo xtask plugins`).

#![allow(
    dead_code,
    clippy::expect_used,
    reason = "shares files with `pipeline`; a benchmark stops at the first surprise"
)]

#[path = "pipeline/clock.rs"]
mod clock;
#[path = "pipeline/input.rs"]
mod input;
#[path = "pipeline/job.rs"]
mod job;
#[path = "pipeline/native.rs"]
mod native;
#[path = "pipeline/wasm.rs"]
mod wasm;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{ArrayRef, StringArray};
use clock::cpu_seconds;
use input::Input;
use job::Plugins;
use std::sync::Arc;
use weir::decode::Decoder;
use weir_core::fold::{FoldRows, Folder};
use weir_core::plan::{FoldPlan, Grouping};
use weir_core::plugin::{Cost, Kpi, KpiRows, PluginError};
use weir_core::time::TimeRules;
use weir_core::types::ScalarType;
use weir_core::window::Windowing;

const ROUNDS: usize = 40;
const MINUTE_US: i64 = 60_000_000;

fn main() {
    let input = Input::new(8 * input::BLOCK_RECORDS as u64);
    let mut decoder = Decoder::new(&job::schema()).expect("a sound schema");
    let decoded: Vec<_> = input.blocks.iter().map(|block| decoder.decode(block).columns).collect();
    let wasm = wasm::Wasm::open();
    let plugins: [(&str, &dyn Plugins); 2] = [("WebAssembly", &wasm), ("native", &native::Native)];
    println!("ns a row, least of {ROUNDS} rounds over {} blocks; fuel a row", decoded.len());
    for (name, plugins) in plugins {
        preprocess(name, plugins, &decoded);
        for groups in [1, 40, 400, 20_000] {
            update(name, plugins, &decoded, groups, false);
            update(name, plugins, &decoded, groups, true);
        }
    }
    for groups in [0, 1, 40, 20_000] {
        fold(&decoded, groups);
    }
}

fn preprocess(name: &str, plugins: &dyn Plugins, decoded: &[Vec<ArrayRef>]) {
    let mut plugin = plugins.order_totals();
    let inputs: Vec<Vec<ArrayRef>> = decoded.iter().map(|columns| columns[2..].to_vec()).collect();
    let ns = least(|| {
        inputs.iter().for_each(|columns| drop(plugin.process(columns[0].len(), columns).expect("totals")));
        rows(decoded)
    });
    println!("{name:<12} order-totals: process {ns:>21.2} {:>8.1}", fuel(plugin.cost()));
}

/// `sorted`: slots in runs, as the fold gives them where KPIs share a grouping.
fn update(name: &str, plugins: &dyn Plugins, decoded: &[Vec<ArrayRef>], groups: u32, sorted: bool) {
    let mut plugin = plugins.sales();
    let mut totals = plugins.order_totals();
    let inputs: Vec<Vec<ArrayRef>> = decoded
        .iter()
        .map(|columns| {
            let columns = totals.process(columns[0].len(), &columns[2..]).expect("totals").columns;
            vec![columns[0].clone(), columns[2].clone(), columns[3].clone()]
        })
        .collect();
    let mut slots: Vec<Vec<u32>> = inputs.iter().map(|columns| scattered(columns[0].len(), groups)).collect();
    if sorted {
        slots.iter_mut().for_each(|slots| slots.sort_unstable());
    }
    let how = if sorted { "in runs" } else { "scattered" };
    let ns = least(|| {
        slots.iter().zip(&inputs).for_each(|(slots, columns)| plugin.update(slots, columns).expect("an update"));
        rows(decoded)
    });
    println!("{name:<12} sales: update, {groups:>6} slots {how:<9} {ns:>7.2} {:>8.1}", fuel(plugin.cost()));
}

/// The fold around a KPI that does nothing; 0 groups: without a key.
fn fold(decoded: &[Vec<ArrayRef>], groups: u32) {
    let windowing = Windowing::tumbling(MINUTE_US).expect("a sound window");
    let key_types = if groups == 0 { Vec::new() } else { vec![ScalarType::Text] };
    let rules = TimeRules {
        max_out_of_orderness_us: 10 * MINUTE_US,
        allowed_lateness_us: 0,
        max_time_jump_us: None,
        max_future_skew_us: None,
    };
    let plan = FoldPlan::new(rules, vec![Grouping { windowing, key_types }], vec![0]).expect("a sound plan");
    let mut folder = Folder::new(Arc::new(plan), vec![Box::new(Nothing)]);
    let keys: Vec<Vec<ArrayRef>> = decoded
        .iter()
        .map(|columns| match groups {
            0 => Vec::new(),
            40 => vec![columns[0].clone()],
            _ => vec![names(columns[0].len(), groups)],
        })
        .collect();
    let ns = least(|| {
        for (columns, keys) in decoded.iter().zip(&keys) {
            let event_us = columns[1].as_primitive::<TimestampMicrosecondType>().values();
            let watermark_before = vec![i64::MIN; event_us.len()];
            let (keys, inputs) = ([keys.clone()], [Vec::new()]);
            let rows = FoldRows { event_us, watermark_before: &watermark_before, keys: &keys, inputs: &inputs };
            folder.fold(&rows).expect("rows that fit");
        }
        rows(decoded)
    });
    println!("{:<12} fold alone, {groups:>6} groups {ns:>16.2}", "host");
}

/// Row numbers multiplied out of order, so that groups come as from a stream.
fn scattered(rows: usize, groups: u32) -> Vec<u32> {
    (0..rows as u64).map(|row| (((row * 2_654_435_761) >> 7) % u64::from(groups)) as u32).collect()
}

fn names(rows: usize, groups: u32) -> ArrayRef {
    let name = |group: u32| format!("customer-{group}");
    Arc::new(scattered(rows, groups).into_iter().map(|group| Some(name(group))).collect::<StringArray>())
}

fn rows(decoded: &[Vec<ArrayRef>]) -> usize {
    decoded.iter().map(|columns| columns[0].len()).sum()
}

fn fuel(cost: Cost) -> f64 {
    cost.fuel as f64 / cost.rows.max(1) as f64
}

/// Nanoseconds of CPU a row; the least, because neighbours on the machine only ever add.
fn least(mut run: impl FnMut() -> usize) -> f64 {
    let mut once = || {
        let began = cpu_seconds();
        let rows = run();
        (cpu_seconds() - began) * 1e9 / rows as f64
    };
    once();
    (0..ROUNDS).map(|_| once()).fold(f64::INFINITY, f64::min)
}

/// A KPI that costs nothing.
struct Nothing;

impl Kpi for Nothing {
    fn update(&mut self, _: &[u32], _: &[ArrayRef]) -> Result<(), PluginError> {
        Ok(())
    }

    fn merge(&mut self, _: &[u32], _: &[ArrayRef]) -> Result<(), PluginError> {
        Ok(())
    }

    fn state(&mut self, _: &[u32]) -> Result<Vec<ArrayRef>, PluginError> {
        Ok(Vec::new())
    }

    fn evaluate(&mut self, _: &[u32], _: &[i64], _: &[i64]) -> Result<KpiRows, PluginError> {
        Ok(KpiRows { places: Vec::new(), columns: Vec::new() })
    }

    fn clear(&mut self, _: &[u32]) -> Result<(), PluginError> {
        Ok(())
    }

    fn cost(&self) -> Cost {
        Cost::default()
    }
}
