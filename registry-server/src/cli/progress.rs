//! Progress bars, on standard error and only where somebody watches.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over a known number of bytes.
pub(crate) fn of_bytes(total: u64) -> ProgressBar {
    styled(
        ProgressBar::new(total),
        "{bar:40} {bytes}/{total_bytes}  {bytes_per_sec}  {msg}",
    )
}

/// A counter of bytes whose end is not known.
pub(crate) fn counting_bytes() -> ProgressBar {
    styled(
        ProgressBar::no_length(),
        "{spinner} {bytes}  {bytes_per_sec}",
    )
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
