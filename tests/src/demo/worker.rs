//! Those who work at the nodes: threads that ask and send while the programs run.

use std::thread::{self, JoinHandle};

use super::failure::Failure;
use super::lang::text;
use super::stop::Stop;

/// A thread that works.
pub struct Worker {
    thread: Option<JoinHandle<Result<(), Failure>>>,
    stop: Stop,
}

impl Worker {
    /// Starts to do `work`, which looks at `stop` by itself.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        name: &str,
        stop: &Stop,
        work: impl FnOnce() -> Result<(), Failure> + Send + 'static,
    ) -> Result<Self, Failure> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(work);
        let thread = thread
            .map_err(|cause| Failure::new(text!("no thread can be started: {cause}", "无法启动线程：{cause}")))?;
        Ok(Self { thread: Some(thread), stop: stop.clone() })
    }

    /// Whether everything is done.
    ///
    /// # Errors
    /// When the work failed.
    pub fn is_done(&mut self) -> Result<bool, Failure> {
        if self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return Ok(false);
        }
        let Some(thread) = self.thread.take() else { return Ok(true) };
        match thread.join() {
            Ok(result) => result.map(|()| true),
            Err(_) => Err(Failure::new(text!("a worker broke; see above", "工作线程异常退出；请看上面的输出"))),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.stop.ask();
            // The run has failed for another reason by now.
            let _ = thread.join();
        }
    }
}
