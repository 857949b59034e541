//! Where kernels run: a thread pool of explicit size and an instruction set.

use super::simd::Level;
use super::{Error, Result};
use rayon::{ThreadPool, ThreadPoolBuilder};

/// A thread pool of its own, so that the budget of threads is the caller's to give.
#[derive(Debug)]
pub struct Engine {
    pool: ThreadPool,
    threads: usize,
    level: Level,
}

impl Engine {
    /// Start `threads` threads.
    ///
    /// # Errors
    ///
    /// [`Error::Threads`] if that is not 1 to 1024, or the system refuses.
    pub fn new(threads: usize, level: Level) -> Result<Self> {
        let failed = Error::Threads { asked: threads };
        if !(1..=1024).contains(&threads) {
            return Err(failed);
        }
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("alservice-core-{index}"))
            .build()
            .map_err(|_| failed)?;
        Ok(Self {
            pool,
            threads,
            level,
        })
    }

    /// The size of the pool.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// The instruction set in use.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Run `work`, and whatever parallel iterators it uses, on the pool.
    pub(crate) fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.pool.install(work)
    }
}
