//! Panics, caught or not: where the last one was, and how many there were.

use std::{
    any::Any,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex, Once, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

static LAST: Mutex<String> = Mutex::new(String::new());
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Whether a reader is at work.
static READING: AtomicBool = AtomicBool::new(false);

/// Lets a reader work; a panic is an error. What it says is kept instead of printed: readers catch
/// panics of a library, which would fill the screen. libFuzzer's own hook would end the process for
/// those, too.
pub(crate) fn caught<T>(reader: impl FnOnce() -> T) -> Result<T, String> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let otherwise = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            COUNT.fetch_add(1, Ordering::SeqCst);
            match READING.load(Ordering::SeqCst) {
                true => {
                    *LAST.lock().unwrap_or_else(PoisonError::into_inner) = info.to_string();
                }
                false => otherwise(info),
            }
        }));
    });
    READING.store(true, Ordering::SeqCst);
    let read = catch_unwind(AssertUnwindSafe(reader));
    READING.store(false, Ordering::SeqCst);
    read.map_err(|payload| message(&*payload))
}

/// Panics so far, on any thread.
pub(crate) fn count() -> usize {
    COUNT.load(Ordering::SeqCst)
}

/// What the last panic said, and where.
pub(crate) fn last() -> String {
    LAST.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// What a panic said: with its place, unless another one came between.
fn message(payload: &(dyn Any + Send)) -> String {
    let own = payload
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| payload.downcast_ref::<&str>().map(ToString::to_string))
        .unwrap_or_default();
    let last = last();
    if last.contains(&own) { last } else { own }
}
