//! Columns of text for a terminal.

/// Which side of its column a cell leans to.
#[derive(Clone, Copy)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows under a header, two spaces between columns, as wide as their widest cell. The
/// last column is not padded, so that long reasons do not trail spaces.
pub(crate) fn table(header: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let width = |text: &str| text.chars().count();
    let widths: Vec<usize> = header
        .iter()
        .enumerate()
        .map(|(column, (title, _))| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| width(cell))
                .chain([width(title)])
                .max()
                .unwrap_or_default()
        })
        .collect();
    let line = |cells: Vec<&str>| {
        let mut line = String::new();
        for (column, cell) in cells.iter().enumerate() {
            let padding = " ".repeat(widths[column].saturating_sub(width(cell)));
            if column > 0 {
                line.push_str("  ");
            }
            match header[column].1 {
                Align::Left => line.extend([cell, padding.as_str()]),
                Align::Right => line.extend([padding.as_str(), cell]),
            }
        }
        format!("{}\n", line.trim_end())
    };
    let mut text = line(header.iter().map(|(title, _)| *title).collect());
    for row in rows {
        text += &line(
            (0..header.len())
                .map(|column| row.get(column).map_or("", String::as_str))
                .collect(),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Align::*, table};

    #[test]
    fn columns_line_up_by_characters() {
        let text = table(
            &[("name", Left), ("n", Right)],
            &[
                vec!["é".into(), "10".into()],
                vec!["longer".into(), "5".into()],
            ],
        );
        assert_eq!(text, "name     n\né       10\nlonger   5\n");
    }
}
