//! Evil guests, one per limit and on both sides of it: what a bad plugin gets, and that the next instance works.

mod guests {
    mod child;
    mod echo;
    mod evil;
    mod support;
}
