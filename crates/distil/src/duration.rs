//! Times for people.

/// Seconds as "1 h 05 min", "2 min 10 s" or "8.4 s".
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..10 => format!("{seconds:.1} s"),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_read_well() {
        assert_eq!(
            [8.44, 59.6, 61.0, 3725.0].map(duration),
            ["8.4 s", "1 min 00 s", "1 min 01 s", "1 h 02 min"]
        );
    }
}
