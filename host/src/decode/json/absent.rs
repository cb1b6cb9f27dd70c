//! What a record does not have: nulls onto the columns, where they may have one.

use super::leaf;
use super::shape::{Shape, Target};
use crate::decode::columns::Columns;
use crate::decode::failure::{Cause, Failure, Read};

/// Pushes nulls for what is not there; `at` is where that was seen.
pub(super) fn push(shape: &Shape, columns: &mut Columns, target: Target, at: usize) -> Read<()> {
    match target {
        Target::Skip => Ok(()),
        Target::Leaf(column) => leaf::null(&mut columns.columns[column as usize], column),
        Target::Object(object) => {
            let keys = &shape.objects[object as usize].keys;
            (0..keys.asked()).try_for_each(|place| push(shape, columns, keys.asked_target(place), at))
        }
        Target::List(list) => {
            let list = &shape.lists[list as usize];
            let mut required = list.columns.iter().filter(|&&column| columns.columns[column as usize].required);
            if let Some(&path) = required.next() {
                return Err(Failure::new(at, Cause::RequiredNull { path }));
            }
            columns.push_null_list(list.lengths);
            Ok(())
        }
    }
}
