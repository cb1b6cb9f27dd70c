//! Connects columns: what each plugin asks for, what exists at that point of the chain, and where it will lie in a batch.
//!
//! A batch's columns are the asked fields of the schema, in the schema's order, then each preprocessor's outputs in order. Pure:
//! it sees descriptions, never a component, and finds every problem at once.

use crate::config::Problem;
use crate::config::plan::{KpiPlan, Place, Plan};
use std::collections::HashMap;
use weir_core::plugin::{KpiDescription, PreprocessorDescription};
use weir_core::types::{ColumnType, Field, ScalarType};

/// Where every column of a batch lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The fields to decode, by their place in the schema, rising. Places in the lists below count these first.
    pub asked: Vec<usize>,
    /// The event-time column.
    pub event_time: usize,
    /// For each preprocessor, its inputs.
    pub preprocess: Vec<Vec<usize>>,
    /// For each KPI, its inputs and its group key.
    pub kpis: Vec<KpiColumns>,
}

/// The columns of one KPI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KpiColumns {
    /// In the order that the plugin asked for.
    pub inputs: Vec<usize>,
    /// In the order of `by`.
    pub keys: Vec<usize>,
    /// The group key's fields.
    pub key_fields: Vec<Field>,
    /// The outputs to write, by their place in the description, in the order to write them.
    pub outputs: Vec<usize>,
}

/// Names that a row has of its own.
const ROW_NAMES: [&str; 3] = ["window", "revision", "unavailable"];

/// Connects every column, or says all that does not fit. A description is `None` where its plugin could not be opened (which is
/// a problem told elsewhere); what it would have added is then not held against later steps.
pub fn connect(
    plan: &Plan,
    preprocessors: &[Option<PreprocessorDescription>],
    kpis: &[Option<KpiDescription>],
) -> Result<Chain, Vec<Problem>> {
    let mut wiring = Wiring::new(plan);
    let event_time = wiring.event_time(plan);
    let mut preprocess = Vec::new();
    for (step, description) in plan.preprocess.iter().zip(preprocessors) {
        preprocess.push(wiring.preprocessor(&step.place, description.as_ref()));
    }
    let mut columns = Vec::new();
    for (kpi, description) in plan.kpis.iter().zip(kpis) {
        columns.push(wiring.kpi(kpi, description.as_ref()));
    }
    wiring.finish(event_time, preprocess, columns)
}

/// A column that exists: a declared field, or an output of a preprocessor.
struct Column {
    field: Field,
    /// Whether somebody asked for it; fields that nobody asked for are not decoded.
    asked: bool,
}

struct Wiring {
    /// The schema's fields, then the outputs so far.
    columns: Vec<Column>,
    names: HashMap<String, usize>,
    schema_fields: usize,
    /// A preprocessor could not be opened: a missing column may be one of its outputs.
    incomplete: bool,
    problems: Vec<Problem>,
}

impl Wiring {
    fn new(plan: &Plan) -> Self {
        let columns: Vec<Column> = plan
            .schema
            .fields
            .iter()
            .map(|field| {
                // A required field is checked in every record, so it is decoded; the event time must be there (DESIGN, section 8).
                let required = field.required || field.path == plan.time.column;
                let typed = Field { path: field.path.clone(), column_type: field.column_type, nullable: !required };
                Column { field: typed, asked: field.required }
            })
            .collect();
        let names = columns.iter().enumerate().map(|(at, column)| (column.field.path.clone(), at)).collect();
        Self { schema_fields: columns.len(), columns, names, incomplete: false, problems: Vec::new() }
    }

    fn problem(&mut self, place: &Place, message: String, help: impl Into<String>) {
        self.problems.push(Problem::new(place.clone(), message).help(help));
    }

    fn event_time(&mut self, plan: &Plan) -> usize {
        self.ask(&plan.time.column, &plan.time.column_place, "event time").unwrap_or(0)
    }

    /// The place of a named column; a problem and `None` where there is none.
    fn ask(&mut self, path: &str, place: &Place, who: &str) -> Option<usize> {
        if let Some(&at) = self.names.get(path) {
            self.columns[at].asked = true;
            return Some(at);
        }
        if !self.incomplete {
            let help = self.advice(path);
            self.problem(place, format!("{who} asks for column `{path}`, which does not exist at this point"), help);
        }
        None
    }

    fn advice(&self, path: &str) -> String {
        let nearest = self
            .names
            .keys()
            .map(|name| (strsim::damerau_levenshtein(name, path), name))
            .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
            .min();
        match nearest {
            Some((_, name)) => format!("did you mean `{name}`?"),
            None => format!(
                "declare it under [schema] as `fields.\"{path}\"`, or put a preprocessor that adds it before this one"
            ),
        }
    }

    fn inputs(&mut self, inputs: &[Field], place: &Place, who: &str) -> Vec<usize> {
        inputs.iter().filter_map(|input| self.input(input, place, who)).collect()
    }

    fn input(&mut self, input: &Field, place: &Place, who: &str) -> Option<usize> {
        let at = self.ask(&input.path, place, who)?;
        let given = self.columns[at].field.clone();
        let path = &input.path;
        if !input.column_type.takes(given.column_type) {
            let message =
                format!("{who} asks for `{path}` as {}, but here it is {}", input.column_type, given.column_type);
            let help = if at < self.schema_fields {
                format!("declare `fields.\"{path}\" = \"{}\"` under [schema]", typed_as(input.column_type))
            } else {
                format!("`{path}` is added by a preprocessor: use one that gives {}", input.column_type)
            };
            self.problem(place, message, help);
        } else if given.nullable && !input.nullable {
            let message = format!("{who} takes no nulls in `{path}`, which may be null here");
            let help = if at < self.schema_fields {
                format!(
                    "declare it as `fields.\"{path}\" = {{ type = \"{}\", required = true }}`: a record without it is then undecodable",
                    typed_as(given.column_type)
                )
            } else {
                format!("put a preprocessor before it that rejects or fills nulls in `{path}`")
            };
            self.problem(place, message, help);
        }
        Some(at)
    }

    fn preprocessor(&mut self, place: &Place, description: Option<&PreprocessorDescription>) -> Vec<usize> {
        let Some(description) = description else {
            self.incomplete = true;
            return Vec::new();
        };
        let who = format!("plugin `{}`", description.name);
        let inputs = self.inputs(&description.inputs, place, &who);
        for output in &description.outputs {
            let name = output.field.path.clone();
            if self.names.contains_key(&name) {
                let help = "a column has one meaning: leave out the field of that name, or one of the two plugins";
                self.problem(place, format!("{who} adds column `{name}`, which exists already"), help);
                continue;
            }
            self.names.insert(name, self.columns.len());
            self.columns.push(Column { field: output.field.clone(), asked: true });
        }
        inputs
    }

    fn kpi(&mut self, kpi: &KpiPlan, description: Option<&KpiDescription>) -> KpiColumns {
        let who = format!("KPI `{}`", kpi.name);
        let inputs = description.map_or_else(Vec::new, |found| self.inputs(&found.inputs, &kpi.plugin.place, &who));
        let mut keys = Vec::new();
        let mut key_fields = Vec::new();
        for (path, place) in &kpi.by {
            let Some(at) = self.ask(path, place, &who) else { continue };
            let field = self.columns[at].field.clone();
            if matches!(field.column_type, ColumnType::List(_)) {
                let help = "group by a column with one value a row";
                self.problem(place, format!("{who} can't group by `{path}`, a {}", field.column_type), help);
            }
            if field.column_type.scalar() == ScalarType::Decimal(None) {
                let help = "equal numbers of different scales would be different groups: group by a field of the schema, or by a plugin's output of a fixed scale";
                self.problem(place, format!("{who} can't group by `{path}`, a decimal of no fixed scale"), help);
            }
            keys.push(at);
            key_fields.push(field);
        }
        let outputs = description.map_or_else(Vec::new, |found| self.outputs(kpi, found, &who));
        KpiColumns { inputs, keys, key_fields, outputs }
    }

    fn outputs(&mut self, kpi: &KpiPlan, description: &KpiDescription, who: &str) -> Vec<usize> {
        let all: Vec<String> = description.outputs.iter().map(|output| output.field.path.clone()).collect();
        let wanted: Vec<(String, Place)> = match &kpi.outputs {
            Some(named) => named.clone(),
            None => all.iter().map(|name| (name.clone(), kpi.plugin.place.clone())).collect(),
        };
        let mut outputs = Vec::new();
        for (name, place) in wanted {
            let Some(at) = all.iter().position(|known| *known == name) else {
                let help = format!("its outputs are {}", quoted(&all));
                self.problem(&place, format!("{who} has no output `{name}`"), help);
                continue;
            };
            if ROW_NAMES.contains(&name.as_str()) || kpi.by.iter().any(|(key, _)| *key == name) {
                let help = "choose the other outputs with `outputs = […]`, or group by another column";
                self.problem(&place, format!("{who} would write two things named `{name}` into a row"), help);
            }
            outputs.push(at);
        }
        outputs
    }

    /// Leaves out the fields that nobody asked for and moves every place accordingly.
    fn finish(
        self,
        event_time: usize,
        mut preprocess: Vec<Vec<usize>>,
        mut kpis: Vec<KpiColumns>,
    ) -> Result<Chain, Vec<Problem>> {
        if !self.problems.is_empty() {
            return Err(self.problems);
        }
        let mut moved = vec![0; self.columns.len()];
        let mut asked = Vec::new();
        let mut next = 0;
        for (at, column) in self.columns.iter().enumerate() {
            moved[at] = next;
            if column.asked {
                next += 1;
                if at < self.schema_fields {
                    asked.push(at);
                }
            }
        }
        let relocate = |places: &mut Vec<usize>| places.iter_mut().for_each(|place| *place = moved[*place]);
        preprocess.iter_mut().for_each(relocate);
        for kpi in &mut kpis {
            relocate(&mut kpi.inputs);
            relocate(&mut kpi.keys);
        }
        Ok(Chain { asked, event_time: moved[event_time], preprocess, kpis })
    }
}

/// The type as the schema would say it: a list's is its elements', since the path tells that it is one.
fn typed_as(column_type: ColumnType) -> String {
    match column_type.scalar() {
        ScalarType::Decimal(None) => "decimal(4)".into(),
        scalar => scalar.to_string(),
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
