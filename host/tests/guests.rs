//! Evil guests, one per limit and on both sides of it: what a bad plugin gets, and that the next instance works.

#![allow(clippy::expect_used, reason = "clippy does not know helpers of tests for tests")]

mod guests {
    mod child;
    mod echo;
    mod evil;
    mod limits;
    mod shipped;
    mod support;
}
