//! Scratch memory that starts on a cache line, so that no vector load straddles two.

/// Floats per padded row are a multiple of this: one AVX-512 register, four SSE registers.
pub(crate) const LINE: usize = 16;

#[repr(C, align(64))]
#[derive(Debug, Clone, Copy)]
struct Line([f32; LINE]);

/// A buffer of f32 whose first element is 64-byte aligned and whose length is a multiple of 16.
#[derive(Debug, Clone, Default)]
pub(crate) struct Aligned(Vec<Line>);

impl Aligned {
    /// At least `len` zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        Self(vec![Line([0.0; LINE]); len.div_ceil(LINE)])
    }

    /// Grow to at least `len`, keeping what is there.
    pub(crate) fn grow(&mut self, len: usize) {
        let lines = len.div_ceil(LINE);
        if self.0.len() < lines {
            self.0.resize(lines, Line([0.0; LINE]));
        }
    }

    pub(crate) fn as_slice(&self) -> &[f32] {
        // SAFETY: `Line` is `repr(C)` around `[f32; 16]` of size and alignment 64, hence without
        // padding: `n` lines are `16 n` consecutive initialised floats.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * LINE) }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: as in `as_slice`; the borrow is unique because `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * LINE) }
    }
}

/// The padded length of a row of `dim` values.
pub(crate) fn padded(dim: usize) -> usize {
    dim.next_multiple_of(LINE)
}
