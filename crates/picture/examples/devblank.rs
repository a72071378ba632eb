use bakeoff_picture::*;
fn main() {
    let n: u64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let out = std::env::args().nth(2).unwrap();
    let sh = bakeoff_core::ImageShape::new(1, 28, 28);
    let nothing = vec![0; 784];
    let mut rows = vec![];
    for k in bakeoff_tests::redrawn::kinds() {
        if !(k.hard) {
            continue;
        }
        let mut c = 0;
        let mut bx = 0;
        for i in 0..n {
            let f = bakeoff_tests::redrawn::redraw(&nothing, sh, k, 20_261_120 + i).unwrap();
            if let Ok(p) = prepare(&f, sh, bakeoff_core::Preparation::Ink) {
                c += 1;
                let b = p.steps.iter().any(|s| matches!(s, Step::Inside { .. }));
                bx += usize::from(b);
                if rows.len() < 12 {
                    rows.push(
                        StageRow::new(&explain(&f, sh, bakeoff_core::Preparation::Ink).stages)
                            .unwrap(),
                    )
                }
            }
        }
        println!("{} answered {c} box {bx} of {n}", k.name);
    }
    if !rows.is_empty() {
        std::fs::write(out, stages_picture(&rows).unwrap()).unwrap();
    }
}
