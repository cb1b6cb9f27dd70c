//! The protocol between workers, board and closer, in one thread and in whatever order a scenario says.

use super::oracle::{Rows, Truth};
use super::scenario::{KPIS, Rec, Scenario, Step};
use crate::close::{Advance, Closer};
use crate::delta::{CloserChanges, CloserState, Delta};
use crate::fold::{FoldRows, Folder};
use crate::plan::FoldPlan;
use crate::results::{Closed, WindowContent};
use crate::time::{PartitionClock, Standing, Watermarks};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, StringArray};
use std::collections::VecDeque;
use std::sync::Arc;

/// What the closer is fed.
#[derive(Debug, Clone)]
pub enum Fed {
    Delta(Delta),
    Watermark(i64),
}

/// Workers, board and closer at work on a scenario.
pub struct World<'a> {
    scenario: &'a Scenario,
    plan: Arc<FoldPlan>,
    clocks: Vec<PartitionClock>,
    board: Watermarks,
    read: Vec<usize>,
    folders: Vec<Folder>,
    seen_us: Vec<i64>,
    queues: Vec<VecDeque<(Option<Delta>, i64)>>,
    acknowledged_us: Vec<i64>,
    closer: Closer,
    settled_us: i64,
    base: Option<CloserState>,
    changes: Vec<CloserChanges>,
    /// What the closer was fed, in order; as if it had never been restarted.
    pub fed: Vec<Fed>,
    /// For the oracle: where partitions came back.
    pub floors: Vec<Vec<(usize, i64)>>,
    /// What was published last, and the books.
    pub outcome: Truth,
    /// (KPI, window start, revision), as published.
    pub publications: Vec<(usize, i64, u64)>,
    /// Windows that were published before their end, or after they were settled.
    pub out_of_time: Vec<(usize, i64)>,
}

impl<'a> World<'a> {
    pub fn run(scenario: &'a Scenario) -> Self {
        let partitions = scenario.partitions.len();
        let plan = scenario.plan();
        let mut world = Self {
            scenario,
            clocks: vec![PartitionClock::new(); partitions],
            board: Watermarks::new(partitions),
            read: vec![0; partitions],
            folders: Vec::new(),
            seen_us: Vec::new(),
            queues: Vec::new(),
            acknowledged_us: Vec::new(),
            closer: Closer::new(plan.clone(), Scenario::kpis()),
            plan,
            settled_us: i64::MIN,
            base: None,
            changes: Vec::new(),
            fed: Vec::new(),
            floors: vec![Vec::new(); partitions],
            outcome: Truth::default(),
            publications: Vec::new(),
            out_of_time: Vec::new(),
        };
        world.hire(scenario.workers);
        scenario.steps.iter().for_each(|step| world.step(step));
        world.finish();
        world
    }

    fn hire(&mut self, workers: usize) {
        let watermark_us = self.closer.watermark_us();
        self.folders = (0..workers).map(|_| Folder::new(self.plan.clone(), Scenario::kpis())).collect();
        self.seen_us = vec![watermark_us; workers];
        self.queues = (0..workers).map(|_| VecDeque::new()).collect();
        self.acknowledged_us = vec![watermark_us; workers];
    }

    fn step(&mut self, step: &Step) {
        let workers = self.folders.len();
        match *step {
            Step::Read(partition, rows) => self.read(partition, rows),
            Step::Idle(partition) => self.board.idle(partition as u32),
            Step::Look(worker) => self.seen_us[worker % workers] = self.board.pipeline(),
            Step::Flush(worker) => self.flush(worker % workers),
            Step::FlushSome(worker, cells) => self.flush_some(worker % workers, cells),
            Step::Deliver(worker) => self.deliver(worker % workers),
            Step::Save { whole } => self.save(whole),
            Step::Restart(workers) => self.restart(workers),
        }
    }

    fn read(&mut self, partition: usize, rows: usize) {
        let from = self.read[partition];
        let records = &self.scenario.partitions[partition][from..];
        let records = &records[..rows.min(records.len())];
        if records.is_empty() {
            return;
        }
        if self.board.standing(partition as u32) == Some(Standing::Idle) {
            let floor_us = self.board.returned(partition as u32);
            self.clocks[partition].raise_floor(floor_us);
            self.floors[partition].push((from, floor_us));
        }
        self.read[partition] += records.len();
        self.fold(partition, from, records);
        let watermark_us = self.clocks[partition].watermark(self.plan.rules());
        self.board.advance(partition as u32, watermark_us);
    }

    fn fold(&mut self, partition: usize, from: usize, records: &[Rec]) {
        let events: Vec<i64> = records.iter().map(|record| record.event_us).collect();
        let arrivals: Vec<i64> = records.iter().map(|record| record.arrival_us).collect();
        let mut before = Vec::new();
        let future = self.clocks[partition].judge(self.plan.rules(), &events, &arrivals, &mut before);
        let kept: Vec<usize> = (0..records.len()).filter(|row| !future.contains(&(*row as u32))).collect();
        let pick = |values: &[i64]| kept.iter().map(|row| values[*row]).collect::<Vec<_>>();
        let (events, before) = (pick(&events), pick(&before));
        let countries: ArrayRef = Arc::new(StringArray::from_iter(kept.iter().map(|row| records[*row].country)));
        let customers: ArrayRef = Arc::new(Int64Array::from_iter_values(kept.iter().map(|row| records[*row].customer)));
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values(kept.iter().map(|row| records[*row].value)));
        let keys = [vec![], vec![countries.clone()], vec![countries.clone(), customers], vec![countries]];
        let inputs = vec![vec![values]; KPIS.len()];
        let worker = partition % self.folders.len();
        let rows = FoldRows { event_us: &events, watermark_before: &before, keys: &keys, inputs: &inputs };
        let report = self.folders[worker].fold(&rows).unwrap();
        assert_eq!(report.quarantined, []);
        self.outcome.kept += kept.len() as u64;
        for (grouping, part) in report.groupings.iter().enumerate() {
            let counts = &mut self.outcome.counts[grouping];
            *counts = (counts.0 + part.counted, counts.1 + part.late, counts.2 + part.refused_pairs);
            let late = part
                .late_rows
                .iter()
                .map(|late| (grouping, partition, from + kept[late.row as usize], late.refused, late.wholly));
            self.outcome.late.extend(late);
        }
    }

    fn flush(&mut self, worker: usize) {
        let watermark_us = self.seen_us[worker];
        let due = self.folders[worker].has_due(watermark_us);
        let delta = due.then(|| self.folders[worker].flush(watermark_us));
        assert!(!self.folders[worker].has_due(watermark_us));
        self.queues[worker].push_back((delta, watermark_us));
    }

    fn flush_some(&mut self, worker: usize, cells: usize) {
        let before = self.folders[worker].live_cells();
        let delta = self.folders[worker].flush_some(cells);
        assert!(delta.groupings.iter().all(|grouping| grouping.cells.cells.len() <= cells));
        assert!(self.folders[worker].live_cells() >= before.saturating_sub(cells));
        let acknowledged_us = self.queues[worker].back().map_or(self.acknowledged_us[worker], |(_, us)| *us);
        self.queues[worker].push_back((Some(delta), acknowledged_us));
    }

    fn deliver(&mut self, worker: usize) {
        let Some((delta, watermark_us)) = self.queues[worker].pop_front() else {
            return;
        };
        if let Some(delta) = delta {
            self.fed.push(Fed::Delta(delta.clone()));
            self.closer.absorb(delta).unwrap();
        }
        self.acknowledged_us[worker] = watermark_us;
        self.advance();
    }

    fn advance(&mut self) {
        let least_us = self.acknowledged_us.iter().copied().min().unwrap();
        self.fed.push(Fed::Watermark(least_us));
        let advance = self.closer.advance(least_us);
        assert_eq!(advance.quarantined, []);
        assert!(advance.closed.is_sorted_by_key(|closed| closed.kpi));
        self.publish(&advance, least_us);
        assert!(advance.settled_before_us >= self.settled_us);
        self.settled_us = advance.settled_before_us;
    }

    fn publish(&mut self, advance: &Advance, watermark_us: i64) {
        let mut last = None;
        for closed in &advance.closed {
            for window in &closed.windows {
                let name = (closed.kpi, window.start_us);
                assert!(last < Some(name), "windows rise");
                last = Some(name);
                assert_eq!(window.end_us, window.start_us + self.scenario.windowings[KPIS[closed.kpi]].size_us());
                if window.end_us > watermark_us || window.end_us <= self.settled_us {
                    self.out_of_time.push(name);
                }
                self.publications.push((closed.kpi, window.start_us, window.revision));
                let WindowContent::Rows(range) = &window.content else { panic!("{window:?}") };
                self.outcome.windows.insert(name, (window.revision, rows(closed, range.clone())));
            }
        }
    }

    fn save(&mut self, whole: bool) {
        if whole {
            self.base = Some(self.closer.export());
            self.changes.clear();
        } else {
            self.changes.push(self.closer.export_changes());
        }
    }

    /// A barrier, a checkpoint, and a new life.
    fn restart(&mut self, workers: usize) {
        for worker in 0..self.folders.len() {
            let delta = self.folders[worker].flush(i64::MAX);
            self.queues[worker].push_back((Some(delta), self.seen_us[worker]));
            while !self.queues[worker].is_empty() {
                self.deliver(worker);
            }
        }
        self.save(false);
        self.closer = Closer::new(self.plan.clone(), Scenario::kpis());
        self.base.iter().for_each(|base| self.closer.restore(base.clone()).unwrap());
        self.changes.iter().for_each(|changes| self.closer.apply(changes.clone()).unwrap());
        self.board = Watermarks::restore(self.board.export(), self.clocks.len());
        self.clocks = self.clocks.iter().map(|clock| PartitionClock::restore(clock.export())).collect();
        self.hire(workers);
    }

    /// Bounded input ends time.
    fn finish(&mut self) {
        while (0..self.clocks.len()).any(|partition| self.read[partition] < self.scenario.partitions[partition].len()) {
            (0..self.clocks.len()).for_each(|partition| self.read(partition, 7));
        }
        (0..self.clocks.len()).for_each(|partition| self.board.ended(partition as u32));
        assert_eq!(self.board.pipeline(), i64::MAX);
        for worker in 0..self.folders.len() {
            self.step(&Step::Look(worker));
            self.flush(worker);
            while !self.queues[worker].is_empty() {
                self.deliver(worker);
            }
        }
        self.outcome.late.sort_unstable();
        assert_eq!(self.closer.open_windows(), 0);
        let left = self.closer.export();
        assert!(
            left.groupings.iter().all(|grouping| grouping.windows.is_empty() && grouping.cells.cells.is_empty()),
            "all state is dropped at the end"
        );
    }
}

/// The rows of one window.
pub fn rows(closed: &Closed, range: std::ops::Range<usize>) -> Rows {
    let table = &closed.table;
    let rows: Rows = range
        .map(|row| {
            let values = table.columns.iter().map(|column| column.as_primitive::<Int64Type>().value(row));
            (table.keys[row].clone(), values.collect())
        })
        .collect();
    assert!(rows.is_sorted_by_key(|row| row.0.clone()), "rows are sorted by key");
    rows
}
