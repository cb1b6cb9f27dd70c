//! The ledger: what became of every record. Counts only; told in the report, the log and the view.

/// Counts over a run, or over a part of one; parts add up.
///
/// Invariants, by [`balance`](Self::balance): read = undecodable + future-dated + rejected + filtered + kept, and for each KPI
/// kept = before + counted + late. They hold between batches, not inside one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// Records that the source brought; blank lines are none.
    pub read: u64,
    /// Records that are not what the schema says; dead letters.
    pub undecodable: u64,
    /// Decoded records that are dated too far ahead of their arrival; dead letters.
    pub future_dated: u64,
    /// Records that a preprocessor found wrong; dead letters.
    pub rejected: u64,
    /// Records that a preprocessor did not keep; only counted.
    pub filtered: u64,
    /// Records that went to the KPIs, each once however many KPIs there are.
    pub kept: u64,
    /// By KPI of the pipeline file.
    pub kpis: Vec<KpiLedger>,
}

/// Counts of one KPI. A quarantined KPI's records go on being judged and counted here, so that the ledger balances.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KpiLedger {
    /// Records that were kept before the KPI began, where it came later than the others or began anew; else 0.
    pub before: u64,
    /// Records that count in at least one window, each once.
    pub counted: u64,
    /// Records that every window refused; in the late ledger.
    pub late: u64,
    /// Pairs of a record and a window that refused it: also of records that count in other windows.
    pub refused_pairs: u64,
}

impl Ledger {
    /// An empty ledger for this many KPIs.
    pub fn new(kpis: usize) -> Self {
        Self { kpis: vec![KpiLedger::default(); kpis], ..Self::default() }
    }

    /// Whether the books balance; the error names the line that does not.
    pub fn balance(&self) -> Result<(), String> {
        let Self { read, undecodable, future_dated, rejected, filtered, kept, .. } = *self;
        if [undecodable, future_dated, rejected, filtered, kept].into_iter().try_fold(0u64, u64::checked_add)
            != Some(read)
        {
            return Err(format!(
                "read {read} is not undecodable {undecodable} + future-dated {future_dated} + rejected {rejected} + filtered {filtered} + kept {kept}"
            ));
        }
        let sum = |kpi: &KpiLedger| kpi.before.checked_add(kpi.counted)?.checked_add(kpi.late);
        match self.kpis.iter().enumerate().find(|(_, kpi)| sum(kpi) != Some(kept)) {
            Some((place, KpiLedger { before, counted, late, .. })) => {
                Err(format!("KPI {place}: kept {kept} is not before {before} + counted {counted} + late {late}"))
            }
            None => Ok(()),
        }
    }
}

impl std::ops::AddAssign<&Ledger> for Ledger {
    fn add_assign(&mut self, other: &Ledger) {
        self.read += other.read;
        self.undecodable += other.undecodable;
        self.future_dated += other.future_dated;
        self.rejected += other.rejected;
        self.filtered += other.filtered;
        self.kept += other.kept;
        if self.kpis.len() < other.kpis.len() {
            self.kpis.resize(other.kpis.len(), KpiLedger::default());
        }
        for (kpi, other) in self.kpis.iter_mut().zip(&other.kpis) {
            *kpi += *other;
        }
    }
}

impl std::ops::AddAssign for KpiLedger {
    fn add_assign(&mut self, other: Self) {
        self.before += other.before;
        self.counted += other.counted;
        self.late += other.late;
        self.refused_pairs += other.refused_pairs;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_books_balance_and_parts_add_up() {
        let kpi = KpiLedger { before: 1, counted: 2, late: 2, refused_pairs: 9 };
        let part =
            Ledger { read: 15, undecodable: 1, future_dated: 2, rejected: 3, filtered: 4, kept: 5, kpis: vec![kpi; 2] };
        let mut sum = Ledger::new(1);
        assert_eq!(sum.balance(), Ok(()));
        sum += &part;
        assert_eq!(sum, part);
        sum += &part;
        assert_eq!((sum.balance(), sum.kept, sum.kpis[1].refused_pairs), (Ok(()), 10, 18));
    }

    #[test]
    fn books_that_do_not_balance_are_told() {
        let kpi = KpiLedger { counted: 1, ..KpiLedger::default() };
        let good = Ledger { read: 1, kept: 1, kpis: vec![kpi], ..Ledger::default() };
        assert!(good.balance().is_ok());
        assert!(Ledger { read: 2, ..good.clone() }.balance().unwrap_err().contains("read 2"));
        assert!(
            Ledger { kpis: vec![KpiLedger { late: 1, ..kpi }], ..good.clone() }
                .balance()
                .unwrap_err()
                .contains("KPI 0")
        );
        assert!(Ledger { undecodable: u64::MAX, ..good }.balance().is_err());
    }
}
