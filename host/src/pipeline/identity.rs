//! What shapes a pipeline's numbers, saved with a checkpoint and compared at the next start: state goes on where it still means the
//! same, and is refused, with what changed and what to do, where it does not.

use super::run::RunError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What shapes the numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub preprocessors: Vec<PluginIdentity>,
    /// The decoded fields, by path.
    pub fields: Vec<(String, String)>,
    /// The rules of `[time]`.
    pub time: String,
    pub kpis: Vec<KpiIdentity>,
}

/// A plugin in use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PluginIdentity {
    /// As it calls itself.
    pub name: String,
    /// SHA-256 of the component.
    pub digest: String,
    pub state_version: u32,
    pub options: String,
}

/// A KPI.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct KpiIdentity {
    pub name: String,
    pub plugin: PluginIdentity,
    pub window: String,
    pub by: Vec<String>,
}

/// What the operator lets go of a checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discard {
    /// KPIs whose saved state goes (`--discard-state`); `*` for all.
    pub state: BTreeSet<String>,
    /// Sinks that are gone, and whose undelivered rows go with them (`--discard-rows`).
    pub rows: BTreeSet<String>,
}

impl Discard {
    fn all(&self) -> bool {
        self.state.contains("*")
    }

    fn has(&self, kpi: &str) -> bool {
        self.all() || self.state.contains(kpi)
    }
}

/// How a saved state is taken up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// KPIs that begin anew.
    pub fresh: BTreeSet<String>,
    /// What changed and does not matter to the state, for the log.
    pub notes: Vec<String>,
}

impl Identity {
    /// Whether the state that was saved with `saved` can be taken up by this pipeline.
    pub fn take_up(&self, saved: &Self, discard: &Discard) -> Result<Taken, RunError> {
        let mut taken = Taken::default();
        self.check_names(saved, discard)?;
        if !discard.all() {
            self.check_common(saved, &mut taken)?;
        }
        for kpi in &self.kpis {
            let before = saved.kpis.iter().find(|before| before.name == kpi.name);
            let change = match before {
                None => Some("it is new, and the checkpoint holds no state of it".to_owned()),
                Some(before) => kpi.change(before),
            };
            if discard.has(&kpi.name) {
                taken.fresh.insert(kpi.name.clone());
            } else if let Some(change) = change {
                return Err(if before.is_some() { refused(&kpi.name, &change) } else { not_known(&kpi.name) });
            } else if let Some(before) = before.filter(|before| before.plugin.digest != kpi.plugin.digest) {
                taken.notes.push(changed_code(&format!("KPI `{}`", kpi.name), &before.plugin, &kpi.plugin));
            }
        }
        for gone in saved.kpis.iter().filter(|before| !self.kpis.iter().any(|kpi| kpi.name == before.name)) {
            if !discard.has(&gone.name) {
                let change = "the file no longer has it, and its open windows would never be published";
                return Err(refused(&gone.name, change));
            }
        }
        Ok(taken)
    }

    /// What all KPIs rest on.
    fn check_common(&self, saved: &Self, taken: &mut Taken) -> Result<(), RunError> {
        let advice = "put it back; or begin every KPI anew from here with `--discard-state '*'`; or give the pipeline another name, \
                      [checkpoint] path and sinks";
        if self.time != saved.time {
            let (then, now) = (&saved.time, &self.time);
            return Err(RunError::Mismatch(format!("[time] has changed: {then} then, {now} now; {advice}")));
        }
        let names = |steps: &[PluginIdentity]| steps.iter().map(|step| step.name.clone()).collect::<Vec<_>>();
        let (then, now) = (names(&saved.preprocessors), names(&self.preprocessors));
        if then != now {
            return Err(RunError::Mismatch(format!("the preprocessors were {then:?} and are {now:?}; {advice}")));
        }
        for (before, step) in saved.preprocessors.iter().zip(&self.preprocessors) {
            let what = format!("preprocessor `{}`", step.name);
            if before.options != step.options {
                let (then, now) = (&before.options, &step.options);
                return Err(RunError::Mismatch(format!("options of {what} were {then} and are {now}; {advice}")));
            }
            if before.digest != step.digest {
                taken.notes.push(changed_code(&what, before, step));
            }
        }
        for (path, field) in &self.fields {
            if let Some((_, before)) = saved.fields.iter().find(|(known, before)| known == path && before != field) {
                return Err(RunError::Mismatch(format!("field `{path}` was {before} and is {field}; {advice}")));
            }
        }
        Ok(())
    }

    fn check_names(&self, saved: &Self, discard: &Discard) -> Result<(), RunError> {
        let known = |name: &String| name == "*" || self.kpis.iter().chain(&saved.kpis).any(|kpi| kpi.name == *name);
        match discard.state.iter().find(|name| !known(name)) {
            Some(name) => {
                let names: Vec<&str> = self.kpis.iter().map(|kpi| kpi.name.as_str()).collect();
                Err(RunError::Mismatch(format!(
                    "--discard-state {name}: there is no such KPI; there are {}",
                    names.join(", ")
                )))
            }
            None => Ok(()),
        }
    }
}

impl KpiIdentity {
    /// What changed so that the saved state would mean something else.
    fn change(&self, before: &Self) -> Option<String> {
        let was = |what: &str, then: &dyn std::fmt::Debug, now: &dyn std::fmt::Debug| {
            Some(format!("its {what} was {then:?} and is {now:?}"))
        };
        let (then, now) = (&before.plugin, &self.plugin);
        match () {
            () if then.name != now.name => was("plugin", &then.name, &now.name),
            () if then.state_version != now.state_version => {
                was("plugin's state version", &then.state_version, &now.state_version)
            }
            () if then.options != now.options => was("options", &then.options, &now.options),
            () if before.window != self.window => was("window", &before.window, &self.window),
            () if before.by != self.by => was("group key (`by`)", &before.by, &self.by),
            () => None,
        }
    }
}

fn refused(kpi: &str, change: &str) -> RunError {
    RunError::Mismatch(format!(
        "KPI `{kpi}`: {change}. To go on: put it back; or let its state go with `--discard-state {kpi}` (it begins anew here, and its \
         windows that have begun before are published as unavailable); or give the KPI or the pipeline a new name"
    ))
}

fn not_known(kpi: &str) -> RunError {
    RunError::Mismatch(format!(
        "KPI `{kpi}`: it is new, and the checkpoint knows nothing of it. To go on: begin it here with `--discard-state {kpi}` (windows that \
         have begun before are published as unavailable); or leave it out; or give the pipeline another name, [checkpoint] path and sinks"
    ))
}

fn changed_code(what: &str, before: &PluginIdentity, now: &PluginIdentity) -> String {
    let short = |digest: &str| digest.chars().take(12).collect::<String>();
    format!(
        "the code of {what} has changed (plugin `{}`, sha256:{} then, sha256:{} now) with the same state version: open windows go on with \
         the new code",
        now.name,
        short(&before.digest),
        short(&now.digest)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kpi(name: &str) -> KpiIdentity {
        let plugin =
            PluginIdentity { name: "sales".into(), digest: "aa".into(), state_version: 1, options: "[]".into() };
        KpiIdentity { name: name.into(), plugin, window: "tumbling 1m".into(), by: vec![] }
    }

    fn identity(kpis: &[&str]) -> Identity {
        let fields = vec![("price".to_owned(), "decimal(4)".to_owned())];
        Identity {
            preprocessors: vec![kpi("").plugin],
            fields,
            time: "10m".into(),
            kpis: kpis.iter().map(|name| kpi(name)).collect(),
        }
    }

    fn discard(names: &[&str]) -> Discard {
        Discard { state: names.iter().map(ToString::to_string).collect(), ..Discard::default() }
    }

    fn told(saved: &Identity, now: &Identity, discarded: &[&str]) -> String {
        now.take_up(saved, &discard(discarded)).unwrap_err().to_string()
    }

    #[test]
    fn the_same_goes_on_and_new_code_of_the_same_state_too() {
        let saved = identity(&["a", "b"]);
        assert_eq!(saved.take_up(&saved, &Discard::default()).unwrap(), Taken::default());
        let mut now = identity(&["b", "a"]);
        now.kpis[0].plugin.digest = "bb".into();
        now.preprocessors[0].digest = "cc".into();
        let taken = now.take_up(&saved, &Discard::default()).unwrap();
        assert!(taken.fresh.is_empty() && taken.notes.len() == 2, "{taken:?}");
    }

    #[test]
    fn a_changed_kpi_is_refused_by_name_with_what_changed_and_what_to_do() {
        let saved = identity(&["a", "b"]);
        let change = |change: fn(&mut KpiIdentity)| {
            let mut now = saved.clone();
            change(&mut now.kpis[1]);
            let text = told(&saved, &now, &[]);
            assert!(text.contains("KPI `b`") && text.contains("--discard-state b"), "{text}");
            assert_eq!(now.take_up(&saved, &discard(&["b"])).unwrap().fresh, discard(&["b"]).state);
            assert!(now.take_up(&saved, &discard(&["a"])).is_err());
            text
        };
        assert!(change(|kpi| kpi.plugin.name = "other".into()).contains("plugin was \"sales\""));
        assert!(change(|kpi| kpi.plugin.state_version = 2).contains("state version was 1 and is 2"));
        assert!(change(|kpi| kpi.plugin.options = "[x]".into()).contains("options"));
        assert!(change(|kpi| kpi.window = "tumbling 5m".into()).contains("window"));
        assert!(change(|kpi| kpi.by = vec!["country".into()]).contains("group key"));
    }

    #[test]
    fn kpis_come_and_go_only_when_asked() {
        let (one, two) = (identity(&["a"]), identity(&["a", "b"]));
        assert!(told(&one, &two, &[]).contains("it is new"));
        assert!(told(&two, &one, &[]).contains("no longer has it"));
        assert_eq!(two.take_up(&one, &discard(&["b"])).unwrap().fresh, discard(&["b"]).state);
        assert!(one.take_up(&two, &discard(&["b"])).unwrap().fresh.is_empty());
        assert!(told(&one, &one, &["x"]).contains("there is no such KPI; there are a"));
    }

    #[test]
    fn what_all_rest_on_needs_all_to_begin_anew() {
        let saved = identity(&["a"]);
        let change = |change: fn(&mut Identity)| {
            let mut now = saved.clone();
            change(&mut now);
            assert!(told(&saved, &now, &["a"]).contains("--discard-state '*'"));
            assert_eq!(now.take_up(&saved, &discard(&["*"])).unwrap().fresh, discard(&["a"]).state);
        };
        change(|now| now.time = "5m".into());
        change(|now| now.preprocessors[0].options = "[x]".into());
        change(|now| now.preprocessors.clear());
        change(|now| now.fields[0].1 = "int64".into());
        let mut now = saved.clone();
        now.fields = vec![("country".into(), "text".into())];
        assert!(now.take_up(&saved, &Discard::default()).is_ok(), "other fields are read for other KPIs");
    }
}
