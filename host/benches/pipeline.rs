//! The pipeline in memory, on one thread: blocks of invoices in, rows as JSON text out, no broker and no files.
//! `cargo bench -p weir --bench pipeline`; `WEIR_BENCH_EVENTS` sets the number of invoices.
//!
//! The same loop runs over plugins in WebAssembly with their limits on, and over the same plugins linked natively: what the
//! sandbox costs is the difference. Runs take turns and the median of each is told, because neighbours on the machine move CPU
//! seconds by more than the differences that are looked for. Components are taken from `pipelines/plugins` (`cargo xtask plugins`).

#![allow(clippy::expect_used, reason = "a benchmark stops at the first surprise")]

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

use clock::median;
use input::Input;
use job::{Job, KpiPlan, Plugins, Ran, STAGES, Shape};

/// Runs of each variant.
const RUNS: usize = 5;

fn main() {
    let input = Input::new(input::events());
    println!(
        "in memory, one thread: {} invoices of {:.0} bytes, {} partitions, blocks of {} records; CPU time, medians of {RUNS} runs in turn",
        input.records,
        input.bytes as f64 / input.records as f64,
        input::PARTITIONS,
        input::BLOCK_RECORDS,
    );
    let wasm = wasm::Wasm::open();
    sandbox(&input, &wasm);
    many(&input, &wasm);
}

/// The retail pipeline, in WebAssembly and natively.
fn sandbox(input: &Input, wasm: &wasm::Wasm) {
    let shape = Shape(vec![KpiPlan { by_country: false, minutes: 1 }, KpiPlan { by_country: true, minutes: 1 }]);
    let variants: [(&str, &dyn Plugins); 2] = [("WebAssembly", wasm), ("native", &native::Native)];
    let runs = in_turn(input, &[(&shape, variants[0].1), (&shape, variants[1].1)]);
    assert_eq!(runs[0][0].rows, runs[1][0].rows, "native plugins give other rows than components");
    println!("\n{:<44} {:>12} {:>12}", "ns an event", variants[0].0, variants[1].0);
    for (stage, name) in STAGES.iter().enumerate() {
        println!("{name:<44} {:>12.1} {:>12.1}", stage_ns(&runs[0], stage, input), stage_ns(&runs[1], stage, input));
    }
    println!("{:<44} {:>12.1} {:>12.1}", "all", total_ns(&runs[0], input), total_ns(&runs[1], input));
    println!(
        "{:<44} {:>12.3} {:>12.3}",
        "million events per CPU-second",
        1e3 / total_ns(&runs[0], input),
        1e3 / total_ns(&runs[1], input)
    );
    println!("natively linked plugins are {:.3} times as fast (wanted: at most 1.1)", ratio(&runs[0], &runs[1]));
}

/// Ten KPIs and fifty beside one.
fn many(input: &Input, wasm: &wasm::Wasm) {
    let one = Shape(vec![KpiPlan { by_country: true, minutes: 1 }]);
    let same = |kpis| Shape((0..kpis).map(|_| KpiPlan { by_country: true, minutes: 1 }).collect());
    let (ten, fifty) = (same(10), same(50));
    let other = Shape((1..=10).map(|minutes| KpiPlan { by_country: true, minutes }).collect());
    let runs = in_turn(input, &[(&one, wasm), (&ten, wasm), (&fifty, wasm), (&other, wasm)]);
    println!(
        "\n{:<44} {:>12} {:>12} {:>12} {:>12} {:>12}",
        "`sales` by country", "ns an event", "of it fold", "of it close", "M events/s", "of one's"
    );
    let names = [
        "one KPI",
        "ten KPIs, the same windows",
        "fifty KPIs, the same windows",
        "ten KPIs, windows of 1 to 10 minutes",
    ];
    for (name, ran) in names.iter().zip(&runs) {
        let ns = total_ns(ran, input);
        let (fold, close) = (stage_ns(ran, 3, input), stage_ns(ran, 4, input));
        println!("{name:<44} {ns:>12.1} {fold:>12.1} {close:>12.1} {:>12.3} {:>12.3}", 1e3 / ns, ratio(&runs[0], ran));
    }
    let added = |place: usize, kpis: f64| (total_ns(&runs[place], input) - total_ns(&runs[0], input)) / (kpis - 1.0);
    println!("an added KPI costs {:.2} ns an event of ten, {:.2} of fifty", added(1, 10.0), added(2, 50.0));
    println!("wanted: ten KPIs run at 0.85 of the speed of one, fifty at 0.75");
}

/// Each variant `RUNS` times, in turn, after one round that is not counted.
fn in_turn(input: &Input, variants: &[(&Shape, &dyn Plugins)]) -> Vec<Vec<Ran>> {
    let mut runs: Vec<Vec<Ran>> = variants.iter().map(|_| Vec::new()).collect();
    for round in 0..=RUNS {
        for ((shape, plugins), ran) in variants.iter().zip(&mut runs) {
            let one = Job::new(shape, *plugins).run(input);
            if round > 0 {
                ran.push(one);
            }
        }
    }
    runs
}

fn stage_ns(runs: &[Ran], stage: usize, input: &Input) -> f64 {
    median(runs.iter().map(|run| run.stages[stage])) / input.records as f64 * 1e9
}

fn total_ns(runs: &[Ran], input: &Input) -> f64 {
    median(runs.iter().map(Ran::seconds)) / input.records as f64 * 1e9
}

/// How many times as fast `b` is as `a`: the median over rounds, whose two runs stood beside each other.
fn ratio(a: &[Ran], b: &[Ran]) -> f64 {
    median(a.iter().zip(b).map(|(a, b)| a.seconds() / b.seconds()))
}
