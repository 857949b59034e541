//! The pool pass against softmax in double precision.

use super::*;

const MEASURES: [Measure; 3] = [Measure::LeastConfidence, Measure::Margin, Measure::Entropy];

fn softmax(row: &[f64], weights: &[f32], bias: &[f32]) -> Vec<f64> {
    let logit = |(w, &b): (&[f32], &f32)| {
        let dot: f64 = w.iter().zip(row).map(|(&w, x)| f64::from(w) * x).sum();
        dot + f64::from(b)
    };
    let logits: Vec<f64> = weights.chunks(row.len()).zip(bias).map(logit).collect();
    let top = logits.iter().copied().fold(f64::MIN, f64::max);
    let e: Vec<f64> = logits.iter().map(|z| (z - top).exp()).collect();
    let total: f64 = e.iter().sum();
    e.into_iter().map(|e| e / total).collect()
}

fn naive(measure: Measure, p: &[f64]) -> f64 {
    if p.len() < 2 {
        return 0.0;
    }
    let mut sorted = p.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    match measure {
        Measure::LeastConfidence => 1.0 - sorted[0],
        Measure::Margin => 1.0 - (sorted[0] - sorted[1]),
        Measure::Entropy => {
            let terms = p.iter().filter(|&&p| p > 0.0).map(|p| -p * p.ln());
            terms.sum::<f64>() / (p.len() as f64).ln()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn scores_and_probabilities_agree_with_double_precision((pool, w, b) in pools_with_heads()) {
        let head = Head::new(&w, &b, pool.dim).unwrap();
        let all = pool.vectors(0, pool.len());
        for engine in engines() {
            let probabilities = engine.probabilities(&all, &head).unwrap();
            for (row, ours) in probabilities.chunks(b.len()).enumerate() {
                for (ours, theirs) in ours.iter().zip(softmax(&pool.row(row), &w, &b)) {
                    prop_assert!((f64::from(*ours) - theirs).abs() < 1e-4, "{ours} {theirs}");
                }
            }
            for measure in MEASURES {
                let scores = engine.measure_scores(&all, &head, measure).unwrap();
                prop_assert_eq!(scores.len(), pool.len());
                for (row, &ours) in scores.iter().enumerate() {
                    let theirs = naive(measure, &softmax(&pool.row(row), &w, &b));
                    prop_assert!((0.0..=1.0).contains(&ours));
                    prop_assert!((f64::from(ours) - theirs).abs() < 1e-4, "{ours} {theirs}");
                }
            }
        }
    }

    #[test]
    fn the_fused_pass_is_the_general_one(
        (pool, w, b) in pools_with_heads(), cut in cuts(), k in 0_usize..80, seed: u64,
    ) {
        let head = Head::new(&w, &b, pool.dim).unwrap();
        let never = Cancel::default();
        let (whole_bits, bits) = (pool.bits(&[]), pool.bits(&cut));
        let (whole, blocks) = (pool.blocks(&[], &whole_bits), pool.blocks(&cut, &bits));
        for level in Level::all() {
            let [one, three] = [1, 3].map(|threads| Engine::new(threads, level).unwrap());
            for measure in MEASURES {
                let scores = one.measure_scores(&pool.vectors(0, pool.len()), &head, measure).unwrap();
                let general = one.top_k(&[&scores], &whole, k, seed, &never).unwrap();
                let fused = three.score_top_k(&blocks, &head, measure, k, seed, &never).unwrap();
                prop_assert_eq!(pool.places(&[], &general), pool.places(&cut, &fused));
                prop_assert_eq!(&general.score, &fused.score);
                prop_assert_eq!(general.row.len(), k.min(pool.available()));
            }
        }
    }
}

#[test]
fn a_certain_row_keeps_the_digits_of_its_doubt() {
    // p = (1 - 1e-12, ...): computed as 1 - p this would be exactly 0.
    let head = Head::new(&[27.631_021, 0.0], &[0.0, 0.0], 1).unwrap();
    let one = [1.0];
    let row = Vectors::new(Values::F32(&one), 1, 1).unwrap();
    for engine in engines() {
        let doubt = engine
            .measure_scores(&row, &head, Measure::LeastConfidence)
            .unwrap();
        assert!((f64::from(doubt[0]) - 1e-12).abs() < 1e-17, "{doubt:?}");
    }
}

#[test]
fn hostile_rows_and_weights_give_scores_between_0_and_1() {
    let extremes = [f32::MAX, f32::MIN, 0.0, 1e-45, f32::NAN, f32::INFINITY];
    let rows: Vec<f32> = (0..36)
        .flat_map(|i| [extremes[i / 6], extremes[i % 6]])
        .collect();
    let vectors = Vectors::new(Values::F32(&rows), 36, 2).unwrap();
    let weights = [f32::MAX, f32::MIN, 1.0, -1.0, 0.0, f32::MAX];
    let head = Head::new(&weights, &[f32::MIN, 0.0, f32::MAX], 2).unwrap();
    for engine in engines() {
        for measure in MEASURES {
            let scores = engine.measure_scores(&vectors, &head, measure).unwrap();
            assert!(scores.iter().all(|s| (0.0..=1.0).contains(s)), "{scores:?}");
        }
        let p = engine.probabilities(&vectors, &head).unwrap();
        assert!(p.iter().all(|p| (0.0..=1.0).contains(p)), "{p:?}");
    }
}

#[test]
fn refuses_a_head_that_is_empty_or_not_finite() {
    for (weights, bias, dim) in [
        (vec![], vec![], 1),
        (vec![], vec![0.0], 0),
        (vec![1.0], vec![0.0, 0.0], 1),
        (vec![f32::NAN], vec![0.0], 1),
        (vec![1.0], vec![f32::INFINITY], 1),
    ] {
        assert!(Head::new(&weights, &bias, dim).is_err());
    }
}

#[test]
fn many_classes_and_dimensions_need_no_other_path() {
    let (n, dim, classes) = (21, 131, 301);
    let value = |i: usize| ((i * 7919) % 1013) as f32 / 1013.0 - 0.5;
    let rows: Vec<f32> = (0..n * dim).map(value).collect();
    let weights: Vec<f32> = (0..classes * dim).map(|i| value(i + 5)).collect();
    let bias: Vec<f32> = (0..classes).map(value).collect();
    let vectors = Vectors::new(Values::F32(&rows), n, dim).unwrap();
    let head = Head::new(&weights, &bias, dim).unwrap();
    for engine in engines() {
        let scores = engine
            .measure_scores(&vectors, &head, Measure::Entropy)
            .unwrap();
        for (row, &ours) in rows.chunks(dim).zip(&scores) {
            let row: Vec<f64> = row.iter().copied().map(f64::from).collect();
            let theirs = naive(Measure::Entropy, &softmax(&row, &weights, &bias));
            assert!((f64::from(ours) - theirs).abs() < 1e-5);
        }
    }
}

#[test]
fn a_set_flag_ends_every_pass() {
    let (rows, hash, bits) = (vec![0.0; 64], [0; 64], [0; 8]);
    let vectors = Vectors::new(Values::F32(&rows), 64, 1).unwrap();
    let blocks = [Block::new(vectors, &hash, &bits).unwrap()];
    let head = Head::new(&[1.0], &[0.0], 1).unwrap();
    let flag = Cancel::default();
    flag.cancel();
    for e in engines() {
        let fused = e.score_top_k(&blocks, &head, Measure::Margin, 1, 0, &flag);
        let general = e.top_k(&[&rows], &blocks, 1, 0, &flag);
        let random = e.random_top_k(&blocks, 1, 0, &flag);
        let centres = e.k_center(&blocks, &vectors, 1, 0, None, &flag);
        for result in [fused, general, random, centres] {
            assert_eq!(result, Err(Error::Cancelled));
        }
    }
}
