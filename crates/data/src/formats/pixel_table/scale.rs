//! From the numbers of tables to bytes, and to planes of colour.

use super::{
    rows::{Rows, shown},
    values::Values,
};
use crate::{
    colour_order::{FourChannels, Order, four_channels, order, to_planes},
    context::Context,
    error::DataError,
    pixel_range::Numbers,
    words::Role,
};

/// Makes all values bytes: which numbers are black and white is found for all parts together.
pub(super) fn scale(
    parts: &mut [(Role, Rows)],
    context: &mut Context<'_>,
) -> Result<(), DataError> {
    let Some((_, first)) = parts.first() else {
        return Ok(());
    };
    let numbers: Vec<Numbers> = parts
        .iter()
        .map(|(_, rows)| Numbers {
            least: 0.0,
            most: f64::from(rows.values.max()),
            fractions: rows.values.has_fractions(),
        })
        .collect();
    let wrong = |problem: String| DataError::invalid(&first.path, problem);
    let ranges = context.ranges(&numbers).map_err(wrong)?;
    for ((_, rows), [_, white]) in parts.iter_mut().zip(ranges) {
        let values = std::mem::replace(&mut rows.values, Values::new());
        rows.values = Values::Bytes(values.into_bytes(255.0 / white as f32));
    }
    colours(parts, context)
}

/// Brings colours to planes, all parts alike.
fn colours(parts: &mut [(Role, Rows)], context: &mut Context<'_>) -> Result<(), DataError> {
    let Some((_, rows)) = parts.first() else {
        return Ok(());
    };
    let Values::Bytes(bytes) = &rows.values else {
        return Ok(());
    };
    if rows.planes {
        return Ok(());
    }
    let shape = rows.shape;
    if shape.channels == 1 {
        let half = shape.width / 2;
        return match four_channels(bytes, shape) {
            None => Ok(()),
            Some(FourChannels::Opaque) => {
                let problem = format!(
                    "{} values are a grey image of {shape}, but a quarter of them is 255 in every image, as in images of {half}×{half} with red, green, blue and transparency: leave the values of transparency out, or name the columns, as in 0_r, 0_g, 0_b, 0_a",
                    shape.pixels()
                );
                Err(DataError::invalid(&rows.path, problem))
            }
            Some(FourChannels::Alike) => {
                context.note(format!(
                    "{}: {} values are taken as a grey image of {shape}; neighbours would be more alike in images of {half}×{half} with four channels",
                    shown(&rows.path),
                    shape.pixels()
                ));
                Ok(())
            }
        };
    }
    let Some(order) = order(bytes, shape) else {
        let problem = "it is not clear whether the three colours of a pixel are together or in three planes: save the images as PNG files or as npz";
        return Err(DataError::invalid(&rows.path, problem));
    };
    context.note(match order {
        Order::Planes => "the pixels are taken as three planes, one for each colour, because that makes neighbours alike",
        Order::Pixels => "the three colours of each pixel are taken as being together, because that makes neighbours alike",
    });
    if order == Order::Pixels {
        for (_, rows) in parts
            .iter_mut()
            .filter(|(_, rows)| rows.shape.channels == 3)
        {
            if let Values::Bytes(bytes) = &rows.values {
                rows.values = Values::Bytes(to_planes(bytes, rows.shape));
            }
        }
    }
    Ok(())
}
