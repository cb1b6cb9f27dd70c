//! `weir state show`: what a checkpoint holds, for people.

use super::args::StateShowArgs;
use super::view::{grouped, show_bytes};
use super::{Failure, check, say};
use crate::pipeline::{self, Picture, StateError, StatePlace};
use std::fmt::Write;

/// Shows it.
pub fn show(args: &StateShowArgs) -> Result<u8, Failure> {
    let failed = |error: StateError| match error {
        StateError::Usage(text) => Failure { text: format!("error: {text}"), code: 2 },
        error => Failure::run(&error),
    };
    let (place, ends) = if args.place.ends_with(".toml") {
        let plan = check::load(args.place.as_ref())?;
        let ends =
            if args.lag { Some(pipeline::source_ends(&plan).map_err(|error| Failure::run(&error))?) } else { None };
        (StatePlace::of(&plan).map_err(failed)?, ends)
    } else if args.lag {
        let text = "error: --lag asks the source, so name the pipeline file in place of the folder".to_owned();
        return Err(Failure { text, code: 2 });
    } else {
        (StatePlace::parse(&args.place).map_err(failed)?, None)
    };
    let picture = pipeline::look(&place, ends.as_deref()).map_err(failed)?;
    if args.json {
        say(&serde_json::to_string_pretty(&picture).map_err(|error| Failure::run(&error))?);
    } else {
        say(text(&picture).trim_end());
    }
    Ok(0)
}

fn text(picture: &Picture) -> String {
    let mut text = format!(
        "{} in {}\n  epoch {}, {} of {}, generation {} (lineage {})\n  watermark {}\n",
        picture.pipeline,
        picture.place,
        picture.epoch,
        show_bytes(picture.bytes),
        match picture.records {
            1 => "one record".to_owned(),
            records => format!("{records} records"),
        },
        picture.generation,
        picture.lineage,
        picture.watermark.as_deref().unwrap_or("-"),
    );
    partitions(&mut text, picture);
    kpis(&mut text, picture);
    let _ = writeln!(text, "\nsinks");
    for sink in &picture.sinks {
        let waits = match sink.undelivered_bytes {
            0 => "nothing waits".to_owned(),
            bytes => format!("{} of rows were not delivered yet", show_bytes(bytes)),
        };
        let _ = writeln!(text, "  {}: {waits}; {} here", sink.name, show_bytes(sink.bytes));
    }
    let count = |name: &str| grouped(picture.ledger.get(name).copied().unwrap_or(0));
    let _ = writeln!(
        text,
        "\nledger\n  read {} = undecodable {} + future-dated {} + rejected {} + filtered {} + kept {}",
        count("read"),
        count("undecodable"),
        count("future_dated"),
        count("rejected"),
        count("filtered"),
        count("kept"),
    );
    for kpi in &picture.kpis {
        let (counted, late) = (grouped(kpi.counted), grouped(kpi.late));
        let _ = writeln!(
            text,
            "  {}: counted {counted} + late {late}; {} windows published",
            kpi.name,
            grouped(kpi.windows)
        );
    }
    text
}

fn partitions(text: &mut String, picture: &Picture) {
    let _ = writeln!(text, "\npartitions");
    for partition in &picture.partitions {
        let next = partition
            .next_offset
            .map_or_else(|| "nothing read yet".to_owned(), |offset| format!("next offset {offset}"));
        let lag = partition.lag.map_or_else(String::new, |lag| format!(", {} behind", grouped(lag.unsigned_abs())));
        let front = partition.front.as_deref().unwrap_or("-");
        let held = match partition.jumps {
            0 => String::new(),
            jumps => format!(", held: {jumps} records jumped ahead"),
        };
        let _ = writeln!(text, "  {} {}: {next}{lag}, front {front}{held}", partition.name, partition.partition);
    }
}

fn kpis(text: &mut String, picture: &Picture) {
    let _ = writeln!(text, "\nKPIs");
    for kpi in &picture.kpis {
        let digest: String = kpi.digest.chars().take(12).collect();
        let _ = writeln!(
            text,
            "  {}: {} sha256:{digest} (state version {}), {}",
            kpi.name, kpi.plugin, kpi.state_version, kpi.window
        );
        let open = match &kpi.open {
            Some((first, last)) => format!(" from {first} to {last}"),
            None => String::new(),
        };
        let _ = writeln!(
            text,
            "    {} open windows{open}, {} that may be revised; {} cells, {}",
            grouped(kpi.open_windows as u64),
            grouped(kpi.revisable_windows as u64),
            grouped(kpi.cells as u64),
            show_bytes(kpi.state_bytes),
        );
        if let Some(begins) = &kpi.begins {
            let _ = writeln!(text, "    began anew: windows up to {begins} are unavailable");
        }
    }
}
