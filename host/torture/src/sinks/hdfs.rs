//! Files in HDFS, looked at over WebHDFS. What a crash left aside has to be gone as well, so every file counts.

use super::{Held, lines};
use crate::services::Services;

/// Folders within folders, at the most: the sink makes two levels.
const DEPTH_MAX: usize = 8;

pub(super) fn section(services: &Services, case: &str) -> Result<String, String> {
    let url = services.hdfs()?.url();
    Ok(format!("type = \"hdfs\"\nurl = \"{url}\"\npath = \"{}\"\ninterval = \"6h\"", path(case)))
}

fn path(case: &str) -> String {
    format!("/torture/{case}")
}

pub(super) fn held(services: &Services, case: &str) -> Result<Held, String> {
    let mut held = Held::default();
    collect(services, &path(case), path(case).len() + 1, DEPTH_MAX, &mut held)?;
    Ok(held)
}

fn collect(services: &Services, at: &str, top: usize, depth: usize, held: &mut Held) -> Result<(), String> {
    let hdfs = services.hdfs()?;
    let names = hdfs.list(at).map_err(|error| error.to_string())?;
    if names == [""] {
        let bytes = hdfs.read(at).map_err(|error| error.to_string())?;
        held.rows.insert(at.get(top..).unwrap_or(at).to_owned(), lines(&bytes));
        return Ok(());
    }
    if depth == 0 {
        return Err(format!("{at}: folders within folders without end"));
    }
    names.iter().try_for_each(|name| collect(services, &format!("{at}/{name}"), top, depth - 1, held))
}
