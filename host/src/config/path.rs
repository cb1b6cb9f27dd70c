//! Paths into a record, `customer.id` or `items[].unit_price`: their syntax, and which of them can't be true of one record together.
//! Pure; knows neither TOML nor places.

use std::collections::BTreeMap;

/// A path that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnPath {
    /// Its names with whether `[]` follows.
    pub steps: Vec<(String, bool)>,
}

impl ColumnPath {
    /// Whether the column holds lists.
    pub fn is_list(&self) -> bool {
        self.steps.iter().any(|(_, list)| *list)
    }
}

/// Bytes of a path at the most; what is told apart by longer names is not a column.
pub const PATH_BYTES_MAX: usize = 1_024;

/// Reads a path, or says what is wrong with it as the end of a sentence.
pub fn parse(path: &str) -> Result<ColumnPath, &'static str> {
    if path.len() > PATH_BYTES_MAX {
        return Err("a path has at most 1024 bytes");
    }
    let mut steps = Vec::new();
    for step in path.split('.') {
        let (name, list) = step.strip_suffix("[]").map_or((step, false), |name| (name, true));
        if name.is_empty() {
            return Err("a name is missing before or after a `.` or before `[]`");
        }
        if name.contains(['[', ']']) {
            return Err("`[]` stands once, right after the name of a list");
        }
        if name.trim() != name || name.chars().any(char::is_control) {
            return Err("names have no space around them and no control characters");
        }
        steps.push((name.to_string(), list));
    }
    if steps.iter().filter(|(_, list)| *list).count() > 1 {
        return Err("a list within a list can't be a column; `[]` stands at most once in a path");
    }
    Ok(ColumnPath { steps })
}

/// How two paths contradict each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// `items[].x` and `items.y`: a list for one, not for the other.
    ListOrNot(String),
    /// `a` and `a.b`: a value for one, an object for the other.
    ValueOrObject(String),
}

/// The paths seen so far, each prefix with who said what it is first.
#[derive(Default)]
pub struct Paths {
    prefixes: BTreeMap<String, Seen>,
}

struct Seen {
    list: bool,
    leaf: bool,
    index: usize,
}

impl Paths {
    /// Adds path number `index`; or says with which earlier one it conflicts, and how.
    pub fn add(&mut self, path: &ColumnPath, index: usize) -> Result<(), (usize, Conflict)> {
        let mut prefix = String::new();
        let mut fresh = Vec::new();
        for (place, (name, list)) in path.steps.iter().enumerate() {
            if place > 0 {
                prefix.push('.');
            }
            prefix.push_str(name);
            let leaf = place + 1 == path.steps.len();
            match self.prefixes.get(&prefix) {
                None => fresh.push((prefix.clone(), Seen { list: *list, leaf, index })),
                Some(seen) if seen.list != *list => {
                    return Err((seen.index, Conflict::ListOrNot(prefix)));
                }
                Some(seen) if seen.leaf || leaf => {
                    return Err((seen.index, Conflict::ValueOrObject(prefix)));
                }
                Some(_) => {}
            }
        }
        self.prefixes.extend(fresh);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_can_be_read() {
        for (path, list) in [
            ("country", false),
            ("customer.id", false),
            ("items[].unit_price", true),
            ("tags[]", true),
            ("a.b[].c.d", true),
        ] {
            assert_eq!(parse(path).map(|path| path.is_list()), Ok(list), "{path}");
        }
    }

    #[test]
    fn paths_that_cannot() {
        for path in [
            "", ".", "a.", ".a", "a..b", "[]", "a.[]", "a[", "a]", "a[0]", "a[][]", "[]a", "a[].b[]", " a", "a .b",
            "a\n",
        ] {
            assert!(parse(path).is_err(), "{path}");
        }
        assert!(parse(&"a".repeat(PATH_BYTES_MAX)).is_ok());
        assert!(parse(&"a".repeat(PATH_BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn conflicts_name_the_earlier_path() {
        for (first, second, conflict) in [
            ("items[].x", "items.y", Some(Conflict::ListOrNot("items".into()))),
            ("items", "items[]", Some(Conflict::ListOrNot("items".into()))),
            ("a", "a.b", Some(Conflict::ValueOrObject("a".into()))),
            ("a.b.c", "a.b", Some(Conflict::ValueOrObject("a.b".into()))),
            ("items[].x", "items[]", Some(Conflict::ValueOrObject("items".into()))),
            ("a", "a", Some(Conflict::ValueOrObject("a".into()))),
            ("items[].x", "items[].y", None),
            ("a.b", "a.c", None),
            ("ab", "a", None),
        ] {
            let mut paths = Paths::default();
            let (first, second) = (parse(first).unwrap(), parse(second).unwrap());
            paths.add(&first, 0).unwrap();
            assert_eq!(paths.add(&second, 1).err(), conflict.map(|conflict| (0, conflict)), "{first:?} {second:?}");
        }
    }
}
