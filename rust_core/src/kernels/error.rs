//! Every way a kernel can refuse its input.

use std::fmt;

/// A kernel never panics on input: it returns one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The caller's flag was set while the kernel ran.
    Cancelled,
    /// Two arrays that must agree do not.
    Shape {
        /// Which array.
        what: &'static str,
        /// The length that would have been right.
        expected: usize,
        /// The length it has.
        got: usize,
    },
    /// A value that must be finite is NaN or infinite; `position` is where, in reading order.
    NotFinite {
        /// Which array.
        what: &'static str,
        /// Where in it.
        position: usize,
    },
    /// A value lies outside its range; `position` is where, in reading order.
    OutOfRange {
        /// Which array.
        what: &'static str,
        /// Where in it.
        position: usize,
    },
    /// A name is not one of those known.
    Unknown {
        /// What kind of name.
        what: &'static str,
        /// The name.
        name: String,
        /// The names there are.
        known: &'static str,
    },
    /// There is no memory for the result.
    Memory {
        /// How many values it has.
        values: usize,
    },
    /// The thread pool could not be started.
    Threads {
        /// How many threads were asked for.
        asked: usize,
    },
}

/// What every kernel returns.
pub type Result<T> = std::result::Result<T, Error>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => write!(f, "cancelled by the caller"),
            Self::Shape {
                what,
                expected,
                got,
            } => write!(f, "{what}: expected {expected}, got {got}"),
            Self::NotFinite { what, position } => {
                write!(f, "{what}: the value at position {position} is not finite")
            }
            Self::OutOfRange { what, position } => {
                write!(
                    f,
                    "{what}: the value at position {position} is out of range"
                )
            }
            Self::Unknown { what, name, known } => {
                write!(f, "unknown {what} {name:?}: expected one of {known}")
            }
            Self::Memory { values } => write!(f, "no memory for a result of {values} values"),
            Self::Threads { asked } => {
                write!(
                    f,
                    "cannot start a pool of {asked} threads: ask for 1 to 1024"
                )
            }
        }
    }
}

impl std::error::Error for Error {}

/// `Ok` if two lengths agree.
pub(crate) fn same_length(what: &'static str, expected: usize, got: usize) -> Result<()> {
    if expected == got {
        Ok(())
    } else {
        Err(Error::Shape {
            what,
            expected,
            got,
        })
    }
}

/// Zeros, or an error where a plain vector would end the process.
pub(crate) fn zeros(len: usize) -> Result<Vec<f32>> {
    let mut values = Vec::new();
    values
        .try_reserve_exact(len)
        .map_err(|_| Error::Memory { values: len })?;
    values.resize(len, 0.0);
    Ok(values)
}
