//! The one theme: every colour of every chart, light and dark.
//!
//! Charts are drawn once, with the light colours. Inside the page, a rule per colour
//! (`[fill="#0072B2"]`) turns each into a variable of the page's style, which follows
//! the system's light or dark setting. Charts that are written as files keep the light
//! colours and need no style. Drawing every chart twice was rejected: twice the bytes,
//! and two drawings that can differ.
//!
//! The first eight series are the colour-blind-safe palette of M. Okabe and K. Ito
//! ("Color universal design", 2008), its yellow darkened to be seen on white; four
//! darker ones follow. Markers differ too, so that no reader depends on colour.

use std::fmt::Write as _;

/// A colour with its name in the page's style and its value in the dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour {
    name: &'static str,
    /// Red, green, blue.
    pub(super) light: (u8, u8, u8),
    dark: &'static str,
}

impl Colour {
    const fn new(name: &'static str, light: (u8, u8, u8), dark: &'static str) -> Self {
        Self { name, light, dark }
    }

    /// As it is written in the SVG.
    fn hex(self) -> String {
        let (r, g, b) = self.light;
        format!("#{r:02X}{g:02X}{b:02X}")
    }
}

/// Text.
pub(crate) const INK: Colour = Colour::new("ink", (0x1F, 0x23, 0x28), "#e8eaed");
/// Text that is less important.
pub(crate) const MUTED: Colour = Colour::new("muted", (0x57, 0x60, 0x6A), "#a3adb8");
/// Axes.
pub(crate) const AXIS: Colour = Colour::new("axis", (0x8C, 0x95, 0x9F), "#6b7580");
/// Lines behind everything.
pub(crate) const GRID: Colour = Colour::new("grid", (0xE3, 0xE6, 0xEA), "#2b323a");
/// Lines in the background of others.
pub(crate) const FADED: Colour = Colour::new("faded", (0xA9, 0xB1, 0xBA), "#5b6672");
/// The background of the chart.
pub(crate) const SURFACE: Colour = Colour::new("surface", (0xFF, 0xFF, 0xFE), "#161a1f");
/// Cells of correct predictions.
pub(crate) const RIGHT: Colour = Colour::new("right", (0x00, 0x71, 0xB1), "#5ab4ea");
/// Cells of wrong predictions.
pub(crate) const WRONG: Colour = Colour::new("wrong", (0xC7, 0x4F, 0x00), "#ff9b5e");
/// Text on a dark cell.
pub(crate) const ON_CELL: Colour = Colour::new("on-cell", (0xFF, 0xFF, 0xFF), "#0b0f13");

const BASE: [Colour; 9] = [
    INK, MUTED, AXIS, GRID, FADED, SURFACE, RIGHT, WRONG, ON_CELL,
];

const SERIES: [Colour; 12] = [
    Colour::new("s0", (0x00, 0x72, 0xB2), "#4fb0ea"),
    Colour::new("s1", (0xD5, 0x5E, 0x00), "#ff8b4a"),
    Colour::new("s2", (0x00, 0x9E, 0x73), "#2fcf9f"),
    Colour::new("s3", (0xCC, 0x79, 0xA7), "#e9a3c9"),
    Colour::new("s4", (0xE6, 0x9F, 0x00), "#f2bd45"),
    Colour::new("s5", (0x56, 0xB4, 0xE9), "#96d6f7"),
    Colour::new("s6", (0x9A, 0x8B, 0x00), "#e8dc4e"),
    Colour::new("s7", (0x4B, 0x52, 0x5B), "#c3cad2"),
    Colour::new("s8", (0x1B, 0x3A, 0x6B), "#8aa8e0"),
    Colour::new("s9", (0x7A, 0x33, 0x00), "#c98f63"),
    Colour::new("s10", (0x00, 0x5B, 0x42), "#7fb8a4"),
    Colour::new("s11", (0x85, 0x3A, 0x66), "#b57f9f"),
];

/// The colour of a series; they repeat after twelve.
pub(crate) fn series(index: usize) -> Colour {
    SERIES[index % SERIES.len()]
}

/// The name of a series's style class: `s0` to `s11`.
pub(crate) fn series_class(index: usize) -> &'static str {
    series(index).name
}

/// The rules that give each colour its variable, and the variable its two values.
pub(crate) fn css() -> String {
    let all = || BASE.iter().chain(&SERIES);
    let mut out = String::from(":root{");
    // Writing to a String cannot fail.
    for colour in all() {
        let (name, hex, dark) = (colour.name, colour.hex(), colour.dark);
        let _ = write!(out, "--c-{name}:light-dark({hex},{dark});");
    }
    out.push_str("}\n");
    for colour in all() {
        let (name, hex) = (colour.name, colour.hex());
        let _ = writeln!(
            out,
            ".chart [fill=\"{hex}\"]{{fill:var(--c-{name})}}\
             .chart [stroke=\"{hex}\"]{{stroke:var(--c-{name})}}"
        );
    }
    for colour in &SERIES {
        let name = colour.name;
        let _ = writeln!(out, ".{name}{{--series:var(--c-{name})}}");
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_colours_share_a_light_value_or_a_name() {
        let all: Vec<Colour> = BASE.iter().chain(&SERIES).copied().collect();
        let hexes: BTreeSet<String> = all.iter().map(|colour| colour.hex()).collect();
        let names: BTreeSet<&str> = all.iter().map(|colour| colour.name).collect();
        assert_eq!((hexes.len(), names.len()), (all.len(), all.len()));
    }
}
