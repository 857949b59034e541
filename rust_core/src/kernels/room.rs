//! Room for the tables of all calls together.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Numbers of 32 bits in a table at most, and in all tables of the process together: 2 GB.
pub(crate) const LARGEST: usize = 1 << 29;
pub(crate) static ROOM: Room = Room::new(LARGEST);

/// How many numbers tables may still hold: of those who ask at once, the late ones do without.
#[derive(Debug)]
pub(crate) struct Room(AtomicUsize);

/// A part of the room, until it is dropped.
#[derive(Debug)]
pub(crate) struct Taken<'a> {
    room: &'a Room,
    size: usize,
}

impl Room {
    pub(crate) const fn new(size: usize) -> Self {
        Self(AtomicUsize::new(size))
    }

    /// Room for so many, or none if others have it.
    pub(crate) fn take(&self, size: usize) -> Option<Taken<'_>> {
        let less = |left: usize| left.checked_sub(size);
        // Relaxed: it counts, and orders nothing else.
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .ok()
            .map(|_| Taken { room: self, size })
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.room.0.fetch_add(self.size, Ordering::Relaxed);
    }
}
