//! Why a record is undecodable, small and cheap until it is told. The reason names the path and, where useful, the byte of the
//! record (from 0), and never holds bytes of the record: reasons stay short whatever comes in.

use std::fmt;

/// Why a record is undecodable. Boxed where it travels: the good path then returns one register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure {
    /// The byte of the record.
    pub(super) at: usize,
    pub(super) cause: Cause,
}

/// What went wrong. `path` is a place in the reader's list of paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The record as a whole.
    Whole(&'static str),
    TooLong {
        len: usize,
        max: usize,
    },
    NotUtf8,
    /// Not JSON: what was expected there, or what must not be.
    Syntax(&'static str),
    TooDeep {
        max: usize,
    },
    WrongType {
        path: u32,
        expected: &'static str,
        found: &'static str,
    },
    /// Of the right type, but no value of it.
    BadValue {
        path: u32,
        message: &'static str,
    },
    Twice {
        path: u32,
    },
    RequiredNull {
        path: u32,
    },
    TooManyElements {
        path: u32,
        max: usize,
    },
}

/// The result of reading on.
pub(super) type Read<T> = Result<T, Box<Failure>>;

impl Failure {
    #[cold]
    pub(super) fn new(at: usize, cause: Cause) -> Box<Self> {
        Box::new(Self { at, cause })
    }

    #[cold]
    pub(super) fn whole(message: &'static str) -> Box<Self> {
        Self::new(0, Cause::Whole(message))
    }

    #[cold]
    pub(super) fn too_long(len: usize, max: usize) -> Box<Self> {
        Self::new(0, Cause::TooLong { len, max })
    }

    #[cold]
    pub(super) fn syntax(at: usize, message: &'static str) -> Box<Self> {
        Self::new(at, Cause::Syntax(message))
    }

    /// The reason as the dead letters tell it.
    pub(super) fn reason(&self, paths: &[String]) -> String {
        Told { failure: self, paths }.to_string()
    }
}

struct Told<'a> {
    failure: &'a Failure,
    paths: &'a [String],
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.failure.at;
        let name = |path: u32| self.paths.get(path as usize).map_or("", String::as_str);
        match self.failure.cause {
            Cause::Whole(message) => f.write_str(message),
            Cause::TooLong { len, max } => {
                write!(f, "record of {len} bytes is over the limit of {max}")
            }
            Cause::NotUtf8 => write!(f, "not UTF-8 at byte {at}"),
            Cause::Syntax(message) => write!(f, "invalid JSON at byte {at}: {message}"),
            Cause::TooDeep { max } => write!(f, "nested deeper than {max} at byte {at}"),
            Cause::WrongType { path, expected, found } => {
                write!(f, "`{}`: expected {expected}, found {found} at byte {at}", name(path))
            }
            Cause::BadValue { path, message } => {
                write!(f, "`{}`: {message} at byte {at}", name(path))
            }
            Cause::Twice { path } => write!(f, "`{}`: given twice, again at byte {at}", name(path)),
            Cause::RequiredNull { path } => {
                write!(f, "`{}`: required, but null or missing", name(path))
            }
            Cause::TooManyElements { path, max } => {
                write!(f, "`{}`: more than {max} elements at byte {at}", name(path))
            }
        }
    }
}
