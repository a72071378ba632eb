use bakeoff_picture::*;
fn main() {
    let n: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let out = std::env::args().nth(2).unwrap();
    let ds = bakeoff_data::open("mnist").unwrap();
    let t = ds.test();
    let sh = t.images().shape();
    for k in bakeoff_tests::redrawn::kinds() {
        if !(k.hard) {
            continue;
        }
        let mut c = 0;
        let mut e = 0;
        let mut rows = vec![];
        let t0 = std::time::Instant::now();
        let mut dt = std::time::Duration::ZERO;
        for i in (0..n).map(|i| i * 10) {
            let f = bakeoff_tests::redrawn::redraw(
                t.images().get(i).unwrap(),
                sh,
                k,
                20_261_120 + (i / 10) as u64,
            )
            .unwrap();
            let s = std::time::Instant::now();
            let x = prepare(&f, sh, bakeoff_core::Preparation::Ink);
            dt += s.elapsed();
            match x {
                Ok(p) => {
                    if p.steps.iter().any(|s| matches!(s, Step::Inside { .. })) {
                        c += 1;
                        if rows.len() < 9 {
                            rows.push(
                                StageRow::new(
                                    &explain(&f, sh, bakeoff_core::Preparation::Ink).stages,
                                )
                                .unwrap(),
                            )
                        }
                    }
                }
                Err(_) => e += 1,
            }
        }
        println!(
            "{} boxes {c} errors {e} of {n} {:?} prepare {:?}",
            k.name,
            t0.elapsed(),
            dt
        );
        if !rows.is_empty() {
            std::fs::write(
                format!("{out}-{}.png", k.name),
                stages_picture(&rows).unwrap(),
            )
            .unwrap();
        }
    }
}
