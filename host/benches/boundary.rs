//! What it costs to cross into a plugin and back, in each layout that the contract could have: `decisions/001-plugin-boundary.md`
//! was settled by this table. `cargo bench -p weir --bench boundary`
//!
//! It calls wasmtime itself, because the plugin room knows only the layout that was chosen; the last rows go through that room.

#![allow(missing_docs, clippy::expect_used, reason = "a benchmark stops at the first surprise")]

use arrow_array::{ArrayRef, Float64Array};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store};
use weir::plugin::{BuildOptions, CompileMode, Host, Limits, build};
use weir_core::plugin::Kpi;

wasmtime::component::bindgen!({
    path: "../tests/guests/boundary/wit",
    world: "boundary",
    ownership: Borrowing { duplicate_if_necessary: false },
});

const BATCHES: [usize; 3] = [64, 1_024, 8_192];
/// Groups in a batch: minutes by countries.
const GROUPS: u32 = 80;
const SAMPLES: usize = 15;
const SAMPLE: Duration = Duration::from_millis(40);

fn main() {
    let guest = component("boundary");
    let free = Bench::new(&guest, false);
    let limited = Bench::new(&guest, true);
    println!("ns a row; least of {SAMPLES} samples; {GROUPS} groups; limits are fuel and epochs\n");
    print_head();
    for case in CASES {
        let run = |bench: &mut Bench| BATCHES.map(|rows| (case.run)(bench, &Batch::new(rows)));
        print_row(case.name, run(&mut { free.fresh() }), run(&mut { limited.fresh() }));
    }
    print_room();
    let mut free = free;
    let mut limited = limited;
    let call = |bench: &mut Bench| best(|n| bench.each(n, |world, store| world.call_empty(store)));
    println!("\nan empty call: {:.0} ns without limits, {:.0} ns with", call(&mut free), call(&mut limited));
    println!("an instance: {:.0} µs", best(|n| (0..n).for_each(|_| drop(std::hint::black_box(limited.fresh())))) / 1e3);
}

fn component(name: &str) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../guests");
    let options = BuildOptions { out: Some(target.join("components")), target_dir: Some(target), locked: true };
    let dir = root.join("tests/guests").join(name);
    // The bench guest has a world of its own, so the build's last check refuses it; the module is all that is needed.
    match build(&dir, &options) {
        Ok(built) => std::fs::read(built.path).expect("built"),
        Err(weir::plugin::BuildError::NotAPlugin { path, .. }) => {
            let module = std::fs::read(path).expect("built");
            let encoder = wit_component::ComponentEncoder::default().module(&module).expect("a module with bindings");
            { encoder }.encode().expect("a component")
        }
        Err(error) => panic!("{error}"),
    }
}

/// One way to cross.
struct Case {
    name: &'static str,
    /// Nanoseconds a row.
    run: fn(&mut Bench, &Batch) -> f64,
}

const CASES: &[Case] = &[
    Case { name: "native loop, slot a row", run: |_, batch| batch.per_row(native(batch)) },
    Case {
        name: "slot a row: u32, f64",
        run: |bench, b| b.per_row(best(|n| bench.each(n, |w, s| w.call_slots(s, &b.groups, &b.values)))),
    },
    Case {
        name: "sorted segments: f64",
        run: |bench, b| {
            b.per_row(best(|n| bench.each(n, |w, s| w.call_segments(s, &b.segment_groups, &b.segment_ends, &b.values))))
        },
    },
    Case { name: "sorted segments, and the host's sorting", run: sorted },
    Case {
        name: "slot a row, validity a bit",
        run: |bench, b| {
            b.per_row(best(|n| bench.each(n, |w, s| w.call_slots_bitmap(s, &b.groups, &b.values, &b.bits))))
        },
    },
    Case {
        name: "slot a row, validity a byte",
        run: |bench, b| {
            b.per_row(best(|n| bench.each(n, |w, s| w.call_slots_bytes(s, &b.groups, &b.values, &b.bytes))))
        },
    },
    Case {
        name: "s64 and text as offsets and bytes",
        run: |bench, b| {
            b.per_row(best(|n| {
                bench.each(n, |w, s| w.call_texts(s, &b.groups, &b.ints, &b.offsets, b.text.as_bytes()))
            }))
        },
    },
    Case { name: "s64 and text as list<string>", run: strings },
    Case {
        name: "list<record>: u32, f64",
        run: |bench, b| b.per_row(best(|n| bench.each(n, |w, s| w.call_records(s, &b.rows)))),
    },
    Case { name: "list<record>: and two strings", run: invoices },
    Case { name: "a call a row", run: one_by_one },
    Case {
        name: "an f64 column back",
        run: |bench, b| b.per_row(best(|n| bench.each(n, |w, s| w.call_give(s, b.groups.len() as u32)))),
    },
];

fn native(batch: &Batch) -> f64 {
    let mut sums = vec![0.0; GROUPS as usize];
    best(|n| {
        for _ in 0..n {
            for (group, value) in std::hint::black_box(&batch.groups).iter().zip(&batch.values) {
                sums[*group as usize] += value;
            }
            std::hint::black_box(&mut sums);
        }
    })
}

/// A counting sort of the batch by slot, which the host would have to do for each group key, then the call.
fn sorted(bench: &mut Bench, b: &Batch) -> f64 {
    let mut sorted = vec![0.0; b.values.len()];
    let mut places = vec![0_u32; GROUPS as usize + 1];
    b.per_row(best(|n| {
        bench.each(n, |world, store| {
            places.fill(0);
            b.groups.iter().for_each(|group| places[*group as usize + 1] += 1);
            (0..GROUPS as usize).for_each(|group| places[group + 1] += places[group]);
            for (group, value) in b.groups.iter().zip(&b.values) {
                let place = &mut places[*group as usize];
                sorted[*place as usize] = *value;
                *place += 1;
            }
            world.call_segments(store, &b.segment_groups, &b.segment_ends, &sorted)
        });
    }))
}

fn strings(bench: &mut Bench, b: &Batch) -> f64 {
    let texts = b.texts();
    b.per_row(best(|n| bench.each(n, |world, store| world.call_strings(store, &b.groups, &b.ints, &texts))))
}

fn invoices(bench: &mut Bench, b: &Batch) -> f64 {
    let row = |((group, value), text): ((&u32, &f64), &&'static str)| Invoice {
        group: *group,
        country: text,
        kind: "ORDER",
        value: *value,
    };
    let rows: Vec<Invoice<'_>> = b.groups.iter().zip(&b.values).zip(&b.texts()).map(row).collect();
    b.per_row(best(|n| bench.each(n, |world, store| world.call_invoices(store, &rows))))
}

fn one_by_one(bench: &mut Bench, b: &Batch) -> f64 {
    b.per_row(best(|n| {
        bench.each(n, |world, store| {
            b.groups.iter().zip(&b.values).try_for_each(|(group, value)| world.call_one(&mut *store, *group, *value))
        });
    }))
}

/// A batch in every layout.
struct Batch {
    groups: Vec<u32>,
    values: Vec<f64>,
    ints: Vec<i64>,
    bits: Vec<u8>,
    bytes: Vec<u8>,
    offsets: Vec<u32>,
    text: String,
    rows: Vec<Row>,
    segment_groups: Vec<u32>,
    segment_ends: Vec<u32>,
}

impl Batch {
    fn new(rows: usize) -> Self {
        // Multiplied out of order, so that groups come as from a stream.
        let groups: Vec<u32> = (0..rows as u64).map(|row| ((row * 2_654_435_761) >> 7) as u32 % GROUPS).collect();
        let values: Vec<f64> = (0..rows).map(|row| row as f64 * 0.25).collect();
        let mut batch = Self {
            ints: (0..rows as i64).collect(),
            bits: vec![0xff; rows.div_ceil(8)],
            bytes: vec![1; rows],
            offsets: vec![0],
            text: String::new(),
            rows: groups.iter().zip(&values).map(|(group, value)| Row { group: *group, value: *value }).collect(),
            segment_groups: (0..GROUPS).collect(),
            segment_ends: Vec::new(),
            groups,
            values,
        };
        for text in batch.texts() {
            batch.text.push_str(text);
            batch.offsets.push(batch.text.len() as u32);
        }
        for slot in 0..GROUPS {
            let before = batch.segment_ends.last().copied().unwrap_or(0);
            batch.segment_ends.push(before + batch.groups.iter().filter(|group| **group == slot).count() as u32);
        }
        batch
    }

    fn texts(&self) -> Vec<&'static str> {
        const WORDS: [&str; 4] = ["ORDER", "United Kingdom", "Germany", "RETURN"];
        self.groups.iter().map(|group| WORDS[*group as usize % WORDS.len()]).collect()
    }

    fn per_row(&self, ns: f64) -> f64 {
        ns / self.groups.len() as f64
    }
}

/// An instance of the bench guest.
struct Bench {
    component: Component,
    is_limited: bool,
    store: Store<()>,
    world: Boundary,
    clock: Arc<Clock>,
}

impl Bench {
    fn new(component: &[u8], is_limited: bool) -> Self {
        let mut config = Config::new();
        config.concurrency_support(false).cranelift_nan_canonicalization(true).max_wasm_stack(512 << 10);
        config.consume_fuel(is_limited).epoch_interruption(is_limited);
        let engine = Engine::new(&config).expect("engine");
        let component = Component::new(&engine, component).expect("compiles");
        let clock = Arc::new(Clock::start(engine));
        Self::instance(component, is_limited, clock)
    }

    fn fresh(&self) -> Self {
        Self::instance(self.component.clone(), self.is_limited, self.clock.clone())
    }

    fn instance(component: Component, is_limited: bool, clock: Arc<Clock>) -> Self {
        let mut store = Store::new(component.engine(), ());
        refill(&mut store, is_limited);
        let linker = Linker::new(component.engine());
        let world = Boundary::instantiate(&mut store, &component, &linker).expect("an instance");
        Self { component, is_limited, store, world, clock }
    }

    /// `times` calls, each with a full budget as the plugin room gives it.
    fn each<R>(&mut self, times: u64, mut call: impl FnMut(&Boundary, &mut Store<()>) -> wasmtime::Result<R>) {
        for _ in 0..times {
            refill(&mut self.store, self.is_limited);
            std::hint::black_box(call(&self.world, &mut self.store).expect("a call"));
        }
    }
}

fn refill(store: &mut Store<()>, is_limited: bool) {
    if is_limited {
        store.set_fuel(u64::MAX / 2).expect("fuel is on");
        store.set_epoch_deadline(200);
    }
}

/// Ticks as the plugin room's does.
struct Clock(Arc<AtomicBool>);

impl Clock {
    fn start(engine: Engine) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
                engine.increment_epoch();
            }
        });
        Self(stop)
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Nanoseconds of one run: the least of the samples, because neighbours on the machine only ever add.
fn best(mut run: impl FnMut(u64)) -> f64 {
    let mut times = 1_u64;
    let timed = |run: &mut dyn FnMut(u64), times: u64| {
        let began = Instant::now();
        run(times);
        began.elapsed()
    };
    while timed(&mut run, times) < SAMPLE / 4 {
        times *= 2;
    }
    let times = times * 2;
    let samples = (0..SAMPLES).map(|_| timed(&mut run, times).as_nanos() as f64 / times as f64);
    samples.fold(f64::INFINITY, f64::min)
}

fn print_head() {
    let sizes = BATCHES.map(|rows| format!("{rows:>8}")).join(" ");
    println!("{:<44} {:>26}   {:>26}", "", "without limits", "with limits");
    println!("{:<44} {sizes}   {sizes}", "rows a batch");
}

fn print_row(name: &str, free: [f64; 3], limited: [f64; 3]) {
    let cells = |values: [f64; 3]| values.map(|value| format!("{value:>8.2}")).join(" ");
    println!("{name:<44} {}   {}", cells(free), cells(limited));
}

/// The chosen layout through the plugin room, with all that it checks: the evil guest, being honest.
fn print_room() {
    let evil = component("evil");
    let host = Host::new(CompileMode::InProcess, None);
    let plugin = host.open("evil", &evil, Limits::default()).expect("opens");
    let run = |rows: usize| {
        let batch = Batch::new(rows);
        let mut kpi: Box<dyn Kpi> = plugin.kpi(&[]).expect("an instance");
        let columns: [ArrayRef; 1] = [Arc::new(Float64Array::from(batch.values.clone()))];
        batch.per_row(best(|n| (0..n).for_each(|_| kpi.update(&batch.groups, &columns).expect("update"))))
    };
    println!();
    let cells = BATCHES.map(|rows| format!("{:>8.2}", run(rows))).join(" ");
    println!("{:<44} {:26}   {cells}", "Kpi::update through the room: sum and count", "");
}
