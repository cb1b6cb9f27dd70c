//! The named places at which a run is killed: the list that stands in `telemetry/failpoint.rs`, where a test of Weir's says that it is the
//! calls in its sources.

use crate::sinks::Kind;

const SOURCE: &str = include_str!("../../src/telemetry/failpoint.rs");

/// A named place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// As the sources have it.
    pub name: &'static str,
    /// What has just happened there.
    pub tells: &'static str,
}

/// All of them, in the order of a run.
pub fn all() -> Vec<Point> {
    let list = SOURCE.split_once("const POINTS").and_then(|(_, rest)| rest.split_once("];"));
    let lines = list.map_or("", |(list, _)| list).lines();
    lines.filter_map(point).collect()
}

fn point(line: &'static str) -> Option<Point> {
    let (name, tells) = line.trim().strip_prefix("(\"")?.strip_suffix("\"),")?.split_once("\", \"")?;
    Some(Point { name, tells })
}

impl Point {
    /// Whether a run with this sink can come by: points within a sink begin with its name.
    pub fn concerns(&self, sink: Kind) -> bool {
        let first = self.name.split('-').next().unwrap_or_default();
        match first {
            "outbox" => matches!(sink, Kind::Kafka | Kind::Postgres | Kind::Redis),
            "hdfs" | "kafka" | "postgres" | "redis" => sink.name() == first,
            // Each pipeline has a folder of files too.
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_read() {
        let points = all();
        assert!(points.len() > 40, "{points:?}");
        assert_eq!(points[0].name, "plan-read");
        assert!(points.iter().all(|point| !point.tells.is_empty() && !point.tells.contains('"')));
    }

    #[test]
    fn points_of_a_sink_concern_that_sink() {
        let of = |name, sink| Point { name, tells: "" }.concerns(sink);
        assert!(of("outbox-before-apply", Kind::Redis) && !of("outbox-before-apply", Kind::JsonFiles));
        assert!(of("postgres-before-commit", Kind::Postgres) && !of("postgres-before-commit", Kind::Kafka));
        assert!(of("epoch-cut", Kind::JsonFiles));
    }
}
