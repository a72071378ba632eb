fn main() {
    let mut a = std::env::args().skip(1);
    let out = a.next().unwrap();
    std::fs::create_dir_all(&out).unwrap();
    for f in a {
        let b = std::fs::read(&f).unwrap();
        let t = std::time::Instant::now();
        match bakeoff_picture::numbers(&b, bakeoff_core::ImageShape::new(1, 28, 28)) {
            Ok(n) => {
                println!(
                    "{f} table {} {:?} {:?} {:?}",
                    n.is_table,
                    n.rows.iter().map(|r| r.len()).collect::<Vec<_>>(),
                    t.elapsed(),
                    n.warnings
                );
                for s in &n.steps {
                    println!("   {s}")
                }
                let w = n.rows.iter().map(|r| r.len()).max().unwrap();
                let mut g = bakeoff_picture::Grid::new(
                    bakeoff_core::ImageShape::new(1, 28, 28),
                    n.rows.len(),
                    w,
                )
                .unwrap();
                for (r, row) in n.rows.iter().enumerate() {
                    for (c, d) in row.iter().enumerate() {
                        if let Some(d) = d {
                            g.place(d.images.pixels(), r, c);
                        }
                    }
                }
                std::fs::write(
                    format!(
                        "{out}/{}.png",
                        std::path::Path::new(&f)
                            .file_stem()
                            .unwrap()
                            .to_string_lossy()
                    ),
                    g.encode().unwrap(),
                )
                .unwrap();
            }
            Err(e) => println!("{f} {e}"),
        }
    }
}
