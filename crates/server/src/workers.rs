//! The threads on which models answer, behind a bounded queue.
//!
//! The threads that speak HTTP never compute, so that the page stays quick while
//! images are prepared. When the queue is full, a request is rejected at once: the client
//! can try again instead of waiting without a limit, and memory stays bounded.
//!
//! Each thread is a rayon pool of one, so that a model's own parallel loops run on it
//! alone: sharing one answer between threads costs more than an image takes.
//!
//! Rejected: collecting requests into batches. METHODOLOGY.md has the measurement: an
//! image takes some tens of microseconds, reading and preparing it some hundred, so
//! there is nothing to gain; and a batch may differ in the last bit from its
//! images one by one, which is what `bakeoff predict` computes.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{mpsc, oneshot};

use crate::problem::{Code, Problem};

type Job = Box<dyn FnOnce() + Send>;

/// The threads, seen from the requests. They end when this is dropped.
pub(crate) struct Workers {
    queue: mpsc::Sender<Job>,
}

impl Workers {
    /// Starts `threads` threads and a queue of at most `queue` jobs.
    pub(crate) fn start(threads: usize, queue: usize) -> io::Result<Self> {
        let (sender, receiver) = mpsc::channel::<Job>(queue.max(1));
        let receiver = Arc::new(Mutex::new(receiver));
        for index in 0..threads.max(1) {
            let receiver = Arc::clone(&receiver);
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(1)
                .thread_name(move |_| format!("answers-{index}"))
                .build()
                .map_err(io::Error::other)?;
            pool.spawn(move || {
                loop {
                    // The thread with the lock waits for the next job; the others wait for the lock.
                    let job = receiver
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .blocking_recv();
                    match job {
                        // Jobs catch their own panics.
                        Some(job) => job(),
                        None => break,
                    }
                }
            });
        }
        Ok(Self { queue: sender })
    }

    /// Does some work on one of the threads. The work is given a function that says whether
    /// nobody waits for it any more. Work whose client is gone is not started.
    ///
    /// # Errors
    /// [`Code::Busy`] when the queue is full, [`Code::Internal`] when the work panics,
    /// and whatever the work says.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Fn() -> bool) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let (answer, wait) = oneshot::channel();
        let job = Box::new(move || {
            if answer.is_closed() {
                return;
            }
            let result = catch_unwind(AssertUnwindSafe(|| work(&|| answer.is_closed())));
            let result = result.unwrap_or_else(|_| Err(Problem::internal("the answer failed")));
            // The client may be gone meanwhile.
            let _ = answer.send(result);
        });
        if self.queue.try_send(job).is_err() {
            return Err(Problem::new(
                Code::Busy,
                "too many images are waiting; ask again in a second",
            ));
        }
        wait.await
            .unwrap_or_else(|_| Err(Problem::internal("the server is shutting down")))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc as blocking;

    use super::*;

    fn workers(threads: usize, queue: usize) -> Workers {
        Workers::start(threads, queue).expect("threads")
    }

    async fn one_waits(workers: &Workers) {
        while workers.queue.capacity() == workers.queue.max_capacity() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_does_not_fit_the_queue_is_refused_and_the_rest_is_answered() {
        let workers = Arc::new(workers(1, 1));
        let (release, held) = blocking::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let ask = |work: Box<dyn FnOnce() -> usize + Send>| {
            let workers = Arc::clone(&workers);
            tokio::spawn(async move { workers.run(move |_| Ok(work())).await })
        };
        let first = ask(Box::new(move || {
            let _ = begun.send(());
            let _ = held.recv();
            1
        }));
        has_begun.await.expect("the first runs");
        let second = ask(Box::new(|| 2));
        one_waits(&workers).await;
        let third = workers.run(|_| Ok(3)).await;
        assert_eq!(third.expect_err("no room").code(), Code::Busy);
        release.send(()).expect("the first waits");
        assert_eq!(first.await.expect("joined").expect("answered"), 1);
        assert_eq!(second.await.expect("joined").expect("answered"), 2);
    }

    #[tokio::test]
    async fn work_that_nobody_waits_for_is_not_begun() {
        let workers = Arc::new(workers(1, 4));
        let (release, held) = blocking::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let first = {
            let workers = Arc::clone(&workers);
            tokio::spawn(async move {
                workers
                    .run(move |gone| {
                        let _ = begun.send(());
                        let _ = held.recv();
                        Ok(gone())
                    })
                    .await
            })
        };
        has_begun.await.expect("the first runs");
        let (told, was_told) = blocking::channel();
        let second = {
            let workers = Arc::clone(&workers);
            tokio::spawn(async move { workers.run(move |_| Ok(told.send(()))).await })
        };
        one_waits(&workers).await;
        second.abort();
        let _ = second.await;
        release.send(()).expect("the first waits");
        assert!(!first.await.expect("joined").expect("answered"));
        // The dropped job drops what it would have told with.
        assert!(was_told.recv().is_err());
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_and_the_thread_goes_on() {
        let workers = workers(1, 4);
        let failed = workers
            .run(|_| -> Result<(), Problem> { panic!("on purpose") })
            .await;
        assert_eq!(failed.expect_err("a problem").code(), Code::Internal);
        assert_eq!(workers.run(|_| Ok(7)).await.expect("answered"), 7);
    }
}
