//! What a person sees while the demo runs: bars on a terminal, plain lines elsewhere; all on standard error.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::books::{Place, STREAMS};
use super::columns::{grouped, seconds};
use super::lang::{Lang, Text, text};

/// Where nobody looks at bars, a line comes so often.
const LINE_INTERVAL_MS: u64 = 5_000;
const TICK: Duration = Duration::from_millis(100);

/// The place for everything that is told before the result.
pub struct Display {
    lang: Lang,
    is_watched: bool,
    all: MultiProgress,
    bars: Vec<ProgressBar>,
    line_at_ms: u64,
}

impl Display {
    /// A display on standard error.
    #[must_use]
    pub fn new(lang: Lang) -> Self {
        let is_watched = std::io::stderr().is_terminal();
        Self { lang, is_watched, all: MultiProgress::new(), bars: Vec::new(), line_at_ms: 0 }
    }

    /// Tells something.
    pub fn tell(&self, text: &Text) {
        if self.is_watched {
            // A terminal that is gone misses nothing that matters.
            let _ = self.all.println(text.get(self.lang));
        } else {
            eprintln!("{}", text.get(self.lang));
        }
    }

    /// Tells what is done by `work`, with a clock beside it while a person waits.
    pub fn during<T>(&self, text: &Text, work: impl FnOnce() -> T) -> T {
        if !self.is_watched {
            self.tell(text);
            return work();
        }
        let spinner = ProgressBar::new_spinner().with_style(style("{spinner} {msg} {elapsed}"));
        let spinner = self.all.add(spinner);
        spinner.set_message(text.get(self.lang).to_owned());
        spinner.enable_steady_tick(TICK);
        let result = work();
        spinner.finish_and_clear();
        self.tell(text);
        result
    }

    /// Shows how far the streams are. `planned` is the least number of changes that each will carry.
    pub fn show(&mut self, now_ms: u64, places: &[Place], planned: &[u64]) {
        if self.is_watched {
            self.show_bars(places, planned);
        } else if now_ms >= self.line_at_ms {
            self.line_at_ms = now_ms + LINE_INTERVAL_MS;
            self.show_line(now_ms, places);
        }
    }

    /// Takes the bars away.
    pub fn finish(&mut self) {
        for bar in self.bars.drain(..) {
            bar.finish_and_clear();
        }
    }

    fn show_bars(&mut self, places: &[Place], planned: &[u64]) {
        if self.bars.is_empty() {
            let template = match self.lang {
                Lang::English => "{prefix:8} {wide_bar} {human_pos} of {human_len} rows applied, {msg}",
                Lang::Chinese => "{prefix:8} {wide_bar} 已应用 {human_pos}/{human_len} 行，{msg}",
            };
            for stream in STREAMS {
                let bar = ProgressBar::new(0).with_style(style(template)).with_prefix(stream.name);
                self.bars.push(self.all.add(bar));
            }
        }
        for ((bar, place), planned) in self.bars.iter().zip(places).zip(planned) {
            let (applied, batches) = (place.applied_batches, place.batches);
            bar.set_length((place.waiting + place.cut).max(*planned));
            bar.set_position(place.applied);
            bar.set_message(match self.lang {
                Lang::English => format!("batch {applied} of {batches}"),
                Lang::Chinese => format!("批次 {applied}/{batches}"),
            });
        }
    }

    fn show_line(&self, now_ms: u64, places: &[Place]) {
        let stream = |(name, place): (&str, &Place)| {
            format!("{name} {}/{}", grouped(place.applied), grouped(place.waiting + place.cut))
        };
        let streams = STREAMS.iter().map(|stream| stream.name).zip(places).map(stream);
        let (seconds, streams) = (seconds(now_ms), streams.collect::<Vec<_>>().join(", "));
        self.tell(&text!("{seconds} s, rows applied: {streams}", "{seconds} 秒，已应用行数：{streams}"));
    }
}

/// However the run ends, what is told next stands below the bars and not among them.
impl Drop for Display {
    fn drop(&mut self) {
        self.finish();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("a test reads the templates")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_understood() {
        for lang in [Lang::English, Lang::Chinese] {
            let mut display = Display::new(lang);
            display.is_watched = true;
            let place = Place { cut: 10, applied: 5, ..Place::default() };
            let places = STREAMS.map(|_| place.clone());
            display.show_bars(&places, &[20, 0, 0, 0, 0]);
            assert_eq!(
                display.bars.iter().map(ProgressBar::length).collect::<Vec<_>>(),
                [Some(20), Some(10), Some(10), Some(10), Some(10)]
            );
            display.finish();
            assert_eq!(display.during(&text!("a", "甲"), || 7), 7);
        }
    }
}
