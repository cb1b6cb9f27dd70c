//! What folder and closer have to know to agree: the rules of time, the groupings, and which KPI uses which.
//!
//! Knows no names and no TOML.

use crate::time::TimeRules;
use crate::types::ScalarType;
use crate::window::Windowing;
use thiserror::Error;

/// The plan of a fold. KPIs with the same windows and the same `by` columns share a grouping: slots are assigned once per batch
/// and grouping, whatever the number of KPIs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoldPlan {
    rules: TimeRules,
    groupings: Vec<Grouping>,
    kpis: Vec<usize>,
}

/// Windows and the types of the group key's columns; no columns for a global KPI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping {
    /// The windows.
    pub windowing: Windowing,
    /// The types of the `by` columns, in order. A decimal has its scale.
    pub key_types: Vec<ScalarType>,
}

/// Why a plan does not hold together.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// A KPI names a grouping that is not there.
    #[error("KPI {kpi} names grouping {grouping}, and there are {groupings}")]
    NoGrouping {
        /// The KPI's place.
        kpi: usize,
        /// What it names.
        grouping: usize,
        /// How many there are.
        groupings: usize,
    },
    /// A decimal key of no fixed scale: equal numbers of different scales would be different keys.
    #[error("a decimal group key needs a fixed scale: write `decimal(2)`")]
    KeyScale,
    /// A rule is negative.
    #[error("a rule of time is negative: {0} µs")]
    Negative(i64),
}

impl FoldPlan {
    /// Checks and makes a plan; `kpis[i]` is the place of KPI `i`'s grouping.
    pub fn new(rules: TimeRules, groupings: Vec<Grouping>, kpis: Vec<usize>) -> Result<Self, PlanError> {
        let times = [
            Some(rules.max_out_of_orderness_us),
            Some(rules.allowed_lateness_us),
            rules.max_time_jump_us,
            rules.max_future_skew_us,
        ];
        if let Some(negative) = times.into_iter().flatten().find(|time| *time < 0) {
            return Err(PlanError::Negative(negative));
        }
        if groupings
            .iter()
            .flat_map(|grouping| &grouping.key_types)
            .any(|key_type| *key_type == ScalarType::Decimal(None))
        {
            return Err(PlanError::KeyScale);
        }
        match kpis.iter().enumerate().find(|(_, grouping)| **grouping >= groupings.len()) {
            Some((kpi, &grouping)) => Err(PlanError::NoGrouping { kpi, grouping, groupings: groupings.len() }),
            None => Ok(Self { rules, groupings, kpis }),
        }
    }

    /// The rules of time.
    pub fn rules(&self) -> &TimeRules {
        &self.rules
    }

    /// The groupings.
    pub fn groupings(&self) -> &[Grouping] {
        &self.groupings
    }

    /// The grouping of each KPI.
    pub fn kpis(&self) -> &[usize] {
        &self.kpis
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: TimeRules = TimeRules {
        max_out_of_orderness_us: 0,
        allowed_lateness_us: 0,
        max_time_jump_us: None,
        max_future_skew_us: None,
    };

    #[test]
    fn plans_that_do_not_hold_together_are_refused() {
        let grouping = |key_types| Grouping { windowing: Windowing::tumbling(60).unwrap(), key_types };
        assert!(FoldPlan::new(RULES, vec![grouping(vec![])], vec![0, 0]).is_ok());
        assert!(matches!(
            FoldPlan::new(RULES, vec![grouping(vec![])], vec![0, 1]),
            Err(PlanError::NoGrouping { kpi: 1, grouping: 1, groupings: 1 })
        ));
        assert_eq!(
            FoldPlan::new(RULES, vec![grouping(vec![ScalarType::Decimal(None)])], vec![]),
            Err(PlanError::KeyScale)
        );
        assert_eq!(
            FoldPlan::new(TimeRules { max_time_jump_us: Some(-1), ..RULES }, vec![], vec![]),
            Err(PlanError::Negative(-1))
        );
    }
}
