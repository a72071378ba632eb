use bakeoff_picture::*;
fn main() {
    let mut a = std::env::args().skip(1);
    let out = a.next().unwrap();
    let mut rows = vec![];
    for f in a {
        let b = std::fs::read(&f).unwrap();
        let e = explain(
            &b,
            bakeoff_core::ImageShape::new(1, 28, 28),
            bakeoff_core::Preparation::Ink,
        );
        println!("{f}");
        if let Ok(p) = &e.prepared {
            for s in &p.steps {
                println!("  {s}")
            }
            for s in &p.warnings {
                println!("  note {s}")
            }
        } else {
            println!("  {:?}", e.prepared)
        }
        rows.push(StageRow::new(&e.stages).unwrap());
    }
    std::fs::write(out, stages_picture(&rows).unwrap()).unwrap();
}
