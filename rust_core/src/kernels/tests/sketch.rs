//! Products of bytes, and the bounds that follow from them.

use super::super::bytes::Bytes;
use super::super::panel::{ABREAST, PANEL_ROWS};
use super::super::sketch::{Flock, Near, Sketches, way};
use super::super::vectors::TILE_ROWS;
use super::*;

/// Every way there is here.
fn ways() -> Vec<(Level, Bytes)> {
    let levels = Level::all().into_iter();
    levels
        .filter_map(|level| Some((level, way(level, 1)?)))
        .collect()
}

fn rows_of(values: &[f32], dim: usize) -> impl ExactSizeIterator<Item = (&[f32], f32)> {
    values.chunks_exact(dim).map(|row| {
        let norm = row
            .iter()
            .map(|&x| f64::from(x) * f64::from(x))
            .sum::<f64>();
        (row, norm as f32)
    })
}

fn sketched(rows: &[f32], dim: usize, level: Level) -> Sketches {
    Sketches::new(rows_of(rows, dim), dim, level, &Cancel::default()).unwrap()
}

/// The product of the bytes of each candidate with each of the first rows.
fn products(way: Bytes, rows: &Sketches, flock: &Flock, first: usize) -> Vec<f32> {
    let (mut low, mut high) = ([0.0; ABREAST * TILE_ROWS], [0.0; ABREAST * TILE_ROWS]);
    let few = flock.few(first);
    let panels = [rows.panel(0), rows.panel(TILE_ROWS)];
    way.products(panels, few.with, few.sums, [&mut low, &mut high]);
    let each = low.chunks(TILE_ROWS).zip(high.chunks(TILE_ROWS));
    let products = each.flat_map(|(low, high)| [low, high].concat());
    products.take(few.near.len() * PANEL_ROWS).collect()
}

fn exact(a: &[f32], b: &[f32]) -> f64 {
    let pairs = a.iter().zip(b);
    pairs.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

fn some_rows() -> impl Strategy<Value = (usize, Vec<f32>, Vec<f32>)> {
    let size = prop_oneof![Just(1.0_f32), Just(1e-20), Just(1e15), Just(0.0)];
    (1_usize..70, 1_usize..32, 1_usize..30, size).prop_flat_map(|(dim, n, m, size)| {
        let scaled = move |values: Vec<f32>| values.into_iter().map(|x| x * size).collect();
        (
            Just(dim),
            prop::collection::vec(-2.0_f32..2.0, n * dim),
            prop::collection::vec(-2.0_f32..2.0, m * dim).prop_map(scaled),
        )
    })
}

proptest! {
    #[test]
    fn no_product_is_further_off_than_is_said((dim, rows, others) in some_rows()) {
        for (level, way) in ways() {
            let sketches = sketched(&rows, dim, level);
            let flock = Flock::new(rows_of(&others, dim), dim, level);
            for first in (0..others.len() / dim).step_by(ABREAST) {
                let found = products(way, &sketches, &flock, first);
                let few = flock.few(first).near.iter().zip(others[first * dim..].chunks(dim));
                for ((near, other), found) in few.zip(found.chunks(PANEL_ROWS)) {
                    for (at, (row, &found)) in rows.chunks(dim).zip(found).enumerate() {
                        let Near { scale, length, error, .. } = *near;
                        let about = f64::from(sketches.scale[at]) * f64::from(scale);
                        let lost = f64::from(sketches.error[at]) * f64::from(length)
                            + f64::from(sketches.reach[at]) * f64::from(error);
                        let gap = (about * f64::from(found) - exact(row, other)).abs();
                        prop_assert!(gap <= lost, "{gap} > {lost}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_way_finds_the_same_products((dim, rows, others) in some_rows()) {
        let mut seen: Option<Vec<f32>> = None;
        for (_, way) in ways() {
            // Bytes by one level, so that only the products differ.
            let level = Level::all()[0];
            let sketches = sketched(&rows, dim, level);
            let flock = Flock::new(rows_of(&others, dim), dim, level);
            let found = products(way, &sketches, &flock, 0);
            prop_assert_eq!(seen.get_or_insert(found.clone()), &found);
        }
    }
}

#[test]
fn of_rows_that_overflow_nothing_is_said() {
    for (level, _) in ways() {
        let rows = [f32::MAX, 1.0, 1.0, f32::MIN];
        let sketches = sketched(&rows, 2, level);
        assert!(sketches.error[..2].iter().all(|error| !error.is_finite()));
    }
}

#[test]
fn rows_that_are_too_long_for_bytes_are_left_to_floats() {
    for (level, _) in ways() {
        assert!(way(level, 1 << 15).is_some());
        assert!(way(level, (1 << 15) + 1).is_none());
    }
}

/// Bytes as large as they may be, as many as they may be.
#[test]
fn no_sum_of_products_overflows() {
    let dim = 1 << 15;
    let (rows, others) = (vec![1.0; dim], vec![-1.0; dim]);
    for (level, way) in ways() {
        let sketches = sketched(&rows, dim, level);
        let flock = Flock::new(rows_of(&others, dim), dim, level);
        let found = products(way, &sketches, &flock, 0)[0];
        assert!((f64::from(found) + 127.0 * 127.0 * dim as f64).abs() <= 32.0);
    }
}

#[test]
fn a_flag_that_is_set_meanwhile_ends_it_at_the_next_row() {
    let (rows, mut seen, flag) = ([1.0; 40], 0, Cancel::default());
    let each = rows_of(&rows, 2).inspect(|_| {
        seen += 1;
        if seen == 7 {
            flag.cancel();
        }
    });
    let stopped = Sketches::new(each, 2, Level::all()[0], &flag);
    assert_eq!(stopped.err(), Some(Error::Cancelled));
    assert_eq!(seen, 7);
}
