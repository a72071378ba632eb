//! The sheet: what is left of an image when what surrounds the paper is gone, and the ink on it.

use bakeoff_core::ImageShape;

use crate::{
    error::PictureError,
    frame, lines,
    log::Log,
    page,
    paper::{self, Ink},
    plane::{Plane, Rect},
    resample,
    steps::Step,
};

/// The longest side on which ink is searched for. A digit that fills a twentieth of a
/// photo is then still more than twice as large as what MNIST's models see.
const WORKING_SIDE: usize = 1024;

/// So many cells are a table, and not the loops of a digit.
const TABLE: usize = 4;

/// What is left of an image.
pub(crate) struct Sheet {
    pub(crate) grey: Plane,
    /// Columns and rows that were cut off on the left and at the top.
    cut: [usize; 2],
    /// Pixels of the image on each side of one of the sheet's.
    factor: usize,
}

impl Sheet {
    /// The sheet of an image, which is `alpha` opaque if given, and the ink on it.
    ///
    /// # Errors
    /// When there is no ink.
    pub(crate) fn with_ink(
        grey: Plane,
        alpha: Option<Plane>,
        target: ImageShape,
        log: &mut Log,
    ) -> Result<(Self, Ink), PictureError> {
        let factor = grey.longer_side().div_ceil(WORKING_SIDE);
        let shrunk = |plane: Plane| Self {
            grey: match factor {
                1 => plane,
                _ => resample::shrink(&plane, factor),
            },
            cut: [0; 2],
            factor,
        };
        let mut sheet = shrunk(grey);
        if factor > 1 {
            log.steps.push(Step::Shrunk {
                width: sheet.grey.width,
                height: sheet.grey.height,
            });
        }
        let panel = frame::panel(&sheet.grey);
        if let Some(panel) = panel {
            let grey = sheet.grey.cropped(panel);
            sheet.cut_to("panel", grey, panel, log);
        }
        match (sheet.ink(target, log), alpha) {
            (Err(PictureError::NothingDrawn), Some(alpha)) if panel.is_none() => {
                // White ink on transparent: as white as the paper below it would be.
                let mut sheet = shrunk(alpha);
                let ink = sheet.ink(target, &mut Log::default())?;
                log.steps.push(Step::InkFromAlpha);
                Ok((sheet, ink))
            }
            (found, _) => found.map(|ink| (sheet, ink)),
        }
    }

    /// Whether the sheet is hardly larger than what a model sees.
    fn is_small(&self, target: ImageShape) -> bool {
        self.grey.width <= 2 * target.width && self.grey.height <= 2 * target.height
    }

    /// The ink on the page; of the whole image where no background surrounds a page.
    fn ink(&mut self, target: ImageShape, log: &mut Log) -> Result<Ink, PictureError> {
        let is_small = self.is_small(target);
        let ink_of = |grey: &Plane, log: &mut Log| paper::ink(grey.clone(), is_small, log);
        let Some(page) = page::without_background(&self.grey).filter(|_| !is_small) else {
            return ink_of(&self.grey, log);
        };
        if page.may_be_box {
            let mut own = Log::default();
            let ink = ink_of(&self.grey, &mut own);
            if let Ok(ink) = ink
                && frame::box_around(&self.grey, &ink).is_some_and(|found| found.is_filled)
            {
                log.steps.extend(own.steps);
                return Ok(ink);
            }
        }
        log.steps.push(Step::Background);
        log.stage("page", &page.grey);
        self.grey = page.grey;
        ink_of(&self.grey, log)
    }

    /// Goes on only where the ink may be one drawing.
    ///
    /// # Errors
    /// When the ink is that of a table of printed cells, of which several are filled.
    pub(crate) fn refuse_table(&self, ink: &Ink) -> Result<(), PictureError> {
        let cells = frame::cells(&self.grey, ink);
        let filled = cells.iter().filter(|cell| cell.is_filled).count();
        match cells.len() >= TABLE && filled > 1 {
            true => Err(PictureError::SeveralPieces { count: filled }),
            false => Ok(()),
        }
    }

    /// The ink inside the box that is around `ink`; `ink` where there is no box.
    ///
    /// # Errors
    /// When there is no ink inside.
    pub(crate) fn inside_box(
        mut self,
        mut ink: Ink,
        target: ImageShape,
        log: &mut Log,
    ) -> Result<Ink, PictureError> {
        match frame::box_around(&self.grey, &ink) {
            Some(found) if !found.is_filled => return Err(PictureError::NothingDrawn),
            Some(found) if !lines::are_of_paper(&ink) => {
                // The lines are no paper: tone and paper are judged without them, and how they were
                // judged with them is no step.
                log.steps.pop();
                let inside = frame::inside(&self.grey, &found, ink.tone);
                self.cut_to("box", inside, found.rect, log);
                return self.own_ink(target, log);
            }
            _ => {}
        }
        ink.cut = self.cut;
        ink.factor = self.factor;
        Ok(ink)
    }

    /// The ink of what is left.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn own_ink(self, target: ImageShape, log: &mut Log) -> Result<Ink, PictureError> {
        let is_small = self.is_small(target);
        let mut ink = paper::ink(self.grey, is_small, log)?;
        ink.cut = self.cut;
        ink.factor = self.factor;
        Ok(ink)
    }

    /// Only `inside` of it, which lies at `rect`.
    fn cut_to(&mut self, frame: &'static str, inside: Plane, rect: Rect, log: &mut Log) {
        log.stage(frame, &inside);
        self.grey = inside;
        self.cut[0] += rect.left;
        self.cut[1] += rect.top;
        log.steps.push(Step::Inside {
            frame,
            left: self.cut[0],
            top: self.cut[1],
            width: rect.width,
            height: rect.height,
        });
    }

    /// Only `inside` of it, which lies at `rect`, as a sheet of its own.
    pub(crate) fn part(&self, inside: Plane, rect: Rect) -> Self {
        Self {
            grey: inside,
            cut: [self.cut[0] + rect.left, self.cut[1] + rect.top],
            factor: self.factor,
        }
    }
}
