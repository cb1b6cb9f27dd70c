//! What a seed makes of a run: how fast each part goes, and what goes wrong how often. Some runs have one kind of trouble only, since
//! troubles hide each other.

use super::chance::Chance;
use super::process::Odds;

/// What all runs of a seed have in common.
#[derive(Debug, Clone)]
pub struct Script {
    pub threads: usize,
    /// Messages or parcels that may wait.
    pub waiting_max: usize,
    /// How often each part gets a turn.
    pub workers: usize,
    pub keeper: usize,
    pub ticks: usize,
    pub delivery: usize,
    pub couriers: usize,
    /// Whether ended partitions may bring more later.
    pub grows: bool,
    pub odds: AllOdds,
    /// Once in so many steps; 0: never.
    pub power_cut: usize,
    pub kill: usize,
    pub stop: usize,
    pub takeover: usize,
    pub loss: usize,
    /// Once in so many new lives: the newest record is damaged.
    pub damage: usize,
    /// After so many steps nothing goes wrong any more.
    pub calm_after: usize,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct AllOdds {
    pub storage: Odds,
    pub destination: Odds,
    pub letters: Odds,
}

impl Script {
    pub fn new(chance: &mut Chance) -> Self {
        let mut pace = || chance.pick(&[1, 3, 9, 27]);
        let [workers, keeper, ticks, delivery, couriers] = [pace(), pace(), pace(), pace(), pace()];
        let mut rarely = |often: &[usize]| if chance.one_in(2) { 0 } else { chance.pick(often) };
        let call = [60, 250, 1_000];
        let storage =
            Odds { die: rarely(&call), not_done: rarely(&[400, 1_500]), lost_answer: 0, takeover: rarely(&call) };
        let destination = Odds {
            die: rarely(&call),
            not_done: rarely(&[2, 8, 60]),
            lost_answer: rarely(&[3, 20]),
            takeover: rarely(&call),
        };
        let letters = Odds { die: rarely(&[20, 100]), takeover: rarely(&[50]), ..Odds::default() };
        let step = [150, 600, 2_000];
        Self {
            workers,
            keeper,
            ticks,
            delivery,
            couriers,
            odds: AllOdds { storage, destination, letters },
            power_cut: rarely(&step),
            kill: rarely(&step),
            stop: rarely(&step),
            takeover: rarely(&step),
            loss: rarely(&step),
            damage: rarely(&[1, 3]),
            threads: 1 + chance.below(4),
            waiting_max: chance.pick(&[1, 4, 64]),
            grows: chance.one_in(2),
            calm_after: 500 + chance.below(4_000),
        }
    }
}
