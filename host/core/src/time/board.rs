//! The board on which every partition's watermark stands, and the pipeline's, the least of the live ones.
//!
//! Knows no records and no clock: whether a partition is idle is for the pipeline room to say.

/// Where every partition stands, and the pipeline's watermark.
///
/// Invariants: the pipeline's watermark never goes back, and is never ahead of the watermark of a live partition (a partition
/// that returns is first raised to it). A partition that has shown nothing is live at `i64::MIN`, and so holds it.
///
/// After a restart, a partition that is idle in the checkpoint, or that the checkpoint does not know, is `returned` before its
/// first record is judged: windows may be gone that its own front would still name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermarks {
    state: WatermarksState,
}

/// All that the board knows; goes into a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatermarksState {
    /// By partition.
    pub partitions: Vec<PartitionMark>,
    /// The pipeline's watermark.
    pub pipeline_us: i64,
}

/// One partition on the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PartitionMark {
    /// The last watermark that it posted.
    pub watermark_us: i64,
    /// Whether it has a say.
    pub standing: Standing,
}

/// Whether a partition has a say in the pipeline's watermark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has.
    Live,
    /// It stepped aside: read to its end, and nothing came for a while.
    Idle,
    /// Its last record has been read.
    Ended,
}

/// A partition that has shown nothing.
const NEW: PartitionMark = PartitionMark { watermark_us: i64::MIN, standing: Standing::Live };

impl Watermarks {
    /// A board for this many partitions, all live, none with a record.
    pub fn new(partitions: usize) -> Self {
        Self { state: WatermarksState { partitions: vec![NEW; partitions], pipeline_us: i64::MIN } }
    }

    /// A board that goes on from here; partitions beyond those of the checkpoint begin live and without a record.
    pub fn restore(mut state: WatermarksState, partitions: usize) -> Self {
        state.partitions.resize(partitions, NEW);
        Self { state }
    }

    /// All that the board knows.
    pub fn export(&self) -> WatermarksState {
        self.state.clone()
    }

    /// A partition's watermark has come to here. Going back is ignored, and so is a partition that is not on the board.
    pub fn advance(&mut self, partition: u32, watermark_us: i64) {
        let Some(mark) = self.state.partitions.get_mut(partition as usize) else {
            return;
        };
        let held = mark.standing == Standing::Live && mark.watermark_us <= self.state.pipeline_us;
        mark.watermark_us = mark.watermark_us.max(watermark_us);
        // Only one that stood at the pipeline's watermark can have held it.
        if held {
            self.settle();
        }
    }

    /// A partition steps aside.
    pub fn idle(&mut self, partition: u32) {
        self.stand(partition, Standing::Idle);
    }

    /// A partition has brought its last record.
    pub fn ended(&mut self, partition: u32) {
        self.stand(partition, Standing::Ended);
    }

    /// A partition that had stepped aside brings records again: it is live from now on, at the returned floor at least, to
    /// which its clock must be raised before the first of them is judged. For a live partition the floor changes nothing.
    pub fn returned(&mut self, partition: u32) -> i64 {
        let floor_us = self.state.pipeline_us;
        if let Some(mark) = self.state.partitions.get_mut(partition as usize) {
            *mark = PartitionMark { watermark_us: mark.watermark_us.max(floor_us), standing: Standing::Live };
            // Where all were aside, the one that returns may be further than the pipeline.
            self.settle();
        }
        floor_us
    }

    /// The pipeline's watermark: the least over the live partitions; where none is live it stays, and when all have ended it
    /// is `i64::MAX`, the end of time.
    pub fn pipeline(&self) -> i64 {
        self.state.pipeline_us
    }

    /// Where a partition stands.
    pub fn standing(&self, partition: u32) -> Option<Standing> {
        self.state.partitions.get(partition as usize).map(|mark| mark.standing)
    }

    fn stand(&mut self, partition: u32, standing: Standing) {
        let Some(mark) = self.state.partitions.get_mut(partition as usize) else {
            return;
        };
        mark.standing = standing;
        self.settle();
    }

    fn settle(&mut self) {
        let marks = &self.state.partitions;
        let live = marks.iter().filter(|mark| mark.standing == Standing::Live).map(|mark| mark.watermark_us).min();
        let over = !marks.is_empty() && marks.iter().all(|mark| mark.standing == Standing::Ended);
        let least = if over { i64::MAX } else { live.unwrap_or(i64::MIN) };
        self.state.pipeline_us = self.state.pipeline_us.max(least);
        debug_assert!(self.never_ahead_of_a_live_partition_but_new());
    }

    /// A partition that is new after a restart stands below the pipeline until it is `returned`.
    fn never_ahead_of_a_live_partition_but_new(&self) -> bool {
        let pipeline_us = self.state.pipeline_us;
        let mut live = self.state.partitions.iter().filter(|mark| mark.standing == Standing::Live);
        live.all(|mark| mark.watermark_us == i64::MIN || mark.watermark_us >= pipeline_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pipeline_is_the_least_of_the_live_and_a_silent_partition_holds_it() {
        let mut board = Watermarks::new(2);
        board.advance(0, 50);
        assert_eq!(board.pipeline(), i64::MIN);
        board.advance(1, 30);
        assert_eq!(board.pipeline(), 30);
        board.advance(1, 20);
        assert_eq!(board.pipeline(), 30);
        board.advance(1, 90);
        assert_eq!(board.pipeline(), 50);
    }

    #[test]
    fn idle_partitions_step_aside_and_return_at_the_floor() {
        let mut board = Watermarks::new(3);
        board.advance(0, 50);
        board.advance(1, 30);
        board.idle(2);
        assert_eq!(board.pipeline(), 30);
        board.idle(1);
        assert_eq!(board.pipeline(), 50);
        assert_eq!(board.returned(1), 50);
        board.advance(0, 70);
        assert_eq!(board.pipeline(), 50);
        board.idle(0);
        board.idle(1);
        assert_eq!(board.pipeline(), 50, "when all are idle, it stays");
    }

    #[test]
    fn time_ends_when_all_have_ended_and_not_while_one_is_idle() {
        let mut board = Watermarks::new(2);
        board.advance(0, 50);
        board.advance(1, 60);
        board.ended(0);
        assert_eq!(board.pipeline(), 60);
        board.idle(1);
        assert_eq!(board.pipeline(), 60);
        board.ended(1);
        assert_eq!(board.pipeline(), i64::MAX);
        assert_eq!(Watermarks::new(0).pipeline(), i64::MIN);
    }

    #[test]
    fn a_restored_board_goes_on_and_a_new_partition_is_given_the_floor() {
        let mut board = Watermarks::new(1);
        board.advance(0, 50);
        let mut again = Watermarks::restore(board.export(), 2);
        assert_eq!(again.pipeline(), 50);
        again.advance(0, 80);
        assert_eq!(again.pipeline(), 50, "the new one holds it");
        assert_eq!(again.returned(1), 50);
        again.advance(1, 70);
        assert_eq!(again.pipeline(), 70);
    }
}
