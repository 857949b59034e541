//! Conversion, validation, gathering and summing of rows.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn gathering_copies_rows_exactly(
        (pool, rows) in pools().prop_flat_map(|p| {
            let rows = prop::collection::vec(any::<usize>(), 0..9);
            (Just(p), rows)
        }),
        cut in cuts(),
    ) {
        prop_assume!(pool.len() > 0);
        let bits = pool.bits(&cut);
        let (blocks, spans) = (pool.blocks(&cut, &bits), pool.spans(&cut));
        let rows: Vec<usize> = rows.iter().map(|row| row % pool.len()).collect();
        let block_of = |row: usize| spans.iter().position(|&(a, b)| (a..b).contains(&row)).unwrap();
        let block: Vec<i64> = rows.iter().map(|&row| block_of(row) as i64).collect();
        let row: Vec<i64> = rows.iter().map(|&r| (r - spans[block_of(r)].0) as i64).collect();
        let want: Vec<f64> = rows.iter().flat_map(|&row| pool.row(row)).collect();
        for engine in engines() {
            let got = engine.gather(&blocks, &block, &row, pool.dim).unwrap();
            let got: Vec<f64> = got.into_iter().map(f64::from).collect();
            prop_assert_eq!(&got, &want);
        }
    }

    #[test]
    fn the_sum_is_the_sum(pool in pools()) {
        let want: f64 = (0..pool.len()).flat_map(|row| pool.row(row)).sum();
        let all = pool.vectors(0, pool.len());
        for pair in engines().chunks(2) {
            let [one, three] = [0, 1].map(|i: usize| pair[i].sum(&all));
            prop_assert!((one - want).abs() < 1e-3);
            prop_assert_eq!(one.to_bits(), three.to_bits());
        }
    }

    #[test]
    fn the_first_bad_row_is_found(
        pool in pools(), at: usize, bad in prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY]),
    ) {
        let clean = pool.vectors(0, pool.len());
        prop_assume!(pool.len() > 0);
        let at = at % (pool.len() * pool.dim);
        let mut spoilt = pool.clone();
        spoilt.rows[at] = bad;
        spoilt.halves[at] = match pool.format {
            Format::Bf16 => f32_to_bf16(bad),
            _ => ::half::f16::from_f32(bad).to_bits(),
        };
        let spoilt = spoilt.vectors(0, pool.len());
        for level in Level::all() {
            prop_assert_eq!(clean.first_nonfinite(level), None);
            prop_assert_eq!(spoilt.first_nonfinite(level), Some(at / pool.dim));
        }
    }
}

#[test]
fn a_bad_row_is_found_far_into_a_large_array() {
    let mut values = vec![f32::MAX; 3 * 4096 + 5];
    values[3 * 4096 + 4] = f32::NAN;
    let vectors = Vectors::new(Values::F32(&values), values.len(), 1).unwrap();
    for level in Level::all() {
        assert_eq!(vectors.first_nonfinite(level), Some(3 * 4096 + 4));
    }
}

#[test]
fn every_half_widens_alike_on_every_path() {
    // Eight copies of a row per value: the gather is scalar, the tile is not.
    let halves: Vec<u16> = (0..=u16::MAX).collect();
    for (wrap, one) in [
        (Values::F16 as fn(_) -> _, f16_to_f32 as fn(u16) -> f32),
        (Values::Bf16, bf16_to_f32),
    ] {
        let vectors = Vectors::new(wrap(&halves), 2048, 32).unwrap();
        let identity: Vec<f32> = (0..32 * 32)
            .map(|i| f32::from(u8::from(i % 33 == 0)))
            .collect();
        let head = Head::new(&identity, &[0.0; 32], 32).unwrap();
        let finite = |row: &[u16]| row.iter().all(|&h| one(h).is_finite());
        let engines = engines();
        let all: Vec<Vec<f32>> = engines
            .iter()
            .map(|e| e.probabilities(&vectors, &head).unwrap())
            .collect();
        for (index, row) in halves.chunks(32).enumerate().filter(|(_, row)| finite(row)) {
            let top = row.iter().map(|&h| one(h)).fold(f32::MIN, f32::max);
            let e: Vec<f64> = row.iter().map(|&h| f64::from(one(h) - top).exp()).collect();
            let total: f64 = e.iter().sum();
            for p in &all {
                for (p, e) in p[index * 32..(index + 1) * 32].iter().zip(&e) {
                    assert!((f64::from(*p) - e / total).abs() < 1e-6);
                }
            }
        }
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    assert!(Vectors::new(Values::F32(&[0.0; 5]), 2, 3).is_err());
    assert!(Vectors::new(Values::F32(&[]), usize::MAX, 2).is_err());
    let vectors = Vectors::new(Values::F32(&[0.0; 6]), 2, 3).unwrap();
    assert!(Block::new(vectors, &[0], &[0]).is_err());
    assert!(Block::new(vectors, &[0, 1], &[]).is_err());
    let blocks = [Block::new(vectors, &[0, 1], &[0]).unwrap()];
    let engine = Engine::new(1, Level::detect()).unwrap();
    let head = Head::new(&[0.0; 2], &[0.0], 2).unwrap();
    let never = Cancel::default();
    assert!(
        engine
            .score_top_k(&blocks, &head, Measure::Margin, 1, 0, &never)
            .is_err()
    );
    assert!(engine.probabilities(&vectors, &head).is_err());
    let flat = Vectors::new(Values::F32(&[]), 0, 2).unwrap();
    assert!(engine.k_center(&blocks, &flat, 1, 0, None, &never).is_err());
    for (block, row) in [(-1, 0), (1, 0), (0, -1), (0, 2), (i64::MAX, i64::MIN)] {
        assert!(engine.gather(&blocks, &[block], &[row], 3).is_err());
    }
    assert!(engine.gather(&blocks, &[0, 0], &[0], 3).is_err());
    assert!(engine.gather(&blocks, &[0], &[0], 4).is_err());
}
