use std::path::Path;
fn main() {
    let mut a = std::env::args().skip(1);
    let out = a.next().unwrap();
    std::fs::create_dir_all(&out).unwrap();
    for f in a {
        let b = std::fs::read(&f).unwrap();
        let r = bakeoff_picture::prepare(
            &b,
            bakeoff_core::ImageShape::new(1, 28, 28),
            bakeoff_core::Preparation::Ink,
        );
        let n = Path::new(&f)
            .file_stem()
            .unwrap()
            .to_string_lossy()
            .into_owned();
        match r {
            Ok(p) => {
                std::fs::write(
                    format!("{out}/{n}.png"),
                    bakeoff_picture::encode_png(p.images.shape(), p.images.pixels()).unwrap(),
                )
                .unwrap();
                println!(
                    "{n}\t{}",
                    p.warnings
                        .iter()
                        .map(|w| w.to_string())
                        .collect::<Vec<_>>()
                        .join("; ")
                );
            }
            Err(e) => println!("{n}\tERR {e}"),
        }
    }
}
