//! AVX-512 VNNI: sums of four products of bytes in each of sixteen lanes.

use crate::kernels::bytes::{RAISED, Step, With};
use crate::kernels::panel::ABREAST;
use crate::kernels::vectors::TILE_ROWS;
use std::arch::x86_64::*;

/// Proof that the processor has AVX-512 F and VNNI.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Vnni(());

impl Vnni {
    pub(crate) fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni");
        has.then_some(Self(()))
    }

    /// As [`super::super::bytes::Bytes::products`].
    #[expect(clippy::unused_self, reason = "it is the proof")]
    #[inline]
    pub(crate) fn products<const P: usize>(
        self,
        rows: [&[Step]; P],
        with: &[With],
        sums: &[i32; ABREAST],
        out: [&mut [f32]; P],
    ) {
        for (rows, out) in rows.iter().zip(&out) {
            assert!(rows.len() >= with.len() && out.len() >= ABREAST * TILE_ROWS);
        }
        // SAFETY: the token exists, so the processor has the instructions; the lengths have been
        // checked just now.
        unsafe { products(rows, with, sums, out) }
    }
}

/// # Safety
///
/// Each of `rows` must have as many steps as `with`, and each `out` room for all products.
#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn products<const P: usize>(
    rows: [&[Step]; P],
    with: &[With],
    sums: &[i32; ABREAST],
    out: [&mut [f32]; P],
) {
    let mut acc = [[_mm512_setzero_si512(); P]; ABREAST];
    for (acc, &sum) in acc.iter_mut().zip(sums) {
        *acc = [_mm512_set1_epi32(-RAISED * sum); P];
    }
    for (at, with) in with.iter().enumerate() {
        let mut x = [_mm512_setzero_si512(); P];
        for (x, rows) in x.iter_mut().zip(rows) {
            // SAFETY: the caller promises as many steps; one is 64 bytes.
            *x = unsafe { _mm512_load_si512(rows.as_ptr().add(at).cast()) };
        }
        let with: *const i32 = with.as_ptr().cast();
        for (candidate, acc) in acc.iter_mut().enumerate() {
            // SAFETY: four bytes for each of `ABREAST` candidates, at any alignment.
            let y = _mm512_set1_epi32(unsafe { with.add(candidate).read_unaligned() });
            for (acc, &x) in acc.iter_mut().zip(&x) {
                *acc = _mm512_dpbusd_epi32(*acc, x, y);
            }
        }
    }
    for (panel, out) in out.into_iter().enumerate() {
        for (acc, out) in acc.iter().zip(out.chunks_exact_mut(TILE_ROWS)) {
            // SAFETY: the chunk has sixteen floats.
            unsafe { _mm512_storeu_ps(out.as_mut_ptr(), _mm512_cvtepi32_ps(acc[panel])) };
        }
    }
}
